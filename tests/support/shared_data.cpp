#include "support/shared_data.hpp"

#include <cstdlib>

namespace gpushard::test {

std::filesystem::path shared_data() {
    const char* const named = std::getenv("GPUSHARD_SHARED_DATA");
    const std::filesystem::path path = named != nullptr ? named : GPUSHARD_SHARED_DATA_DIR;
    return std::filesystem::is_directory(path) ? path : std::filesystem::path{};
}

}  // namespace gpushard::test
