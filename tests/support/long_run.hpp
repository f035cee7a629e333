#pragma once

#include <cstdint>

namespace gpushard::test {

/// Whether the whole of a test runs, and not the part that every change has to pass (GPUSHARD_LONG=1).
bool is_long_run();

/// Where the random numbers of a test begin: GPUSHARD_SEED, else always the same, or in a long run another each time.
std::uint64_t first_seed();

}  // namespace gpushard::test
