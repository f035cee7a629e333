#include "support/long_run.hpp"

#include <cstdlib>
#include <random>
#include <string>

namespace gpushard::test {

bool is_long_run() {
    const char* const asked = std::getenv("GPUSHARD_LONG");
    return asked != nullptr && std::string(asked) == "1";
}

std::uint64_t first_seed() {
    if (const char* const given = std::getenv("GPUSHARD_SEED")) return std::stoull(given);
    return is_long_run() ? std::random_device{}() : 1;
}

}  // namespace gpushard::test
