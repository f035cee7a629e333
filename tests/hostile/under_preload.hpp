#pragma once

#include <string>
#include <vector>

namespace gpushard::test {

/// Sanitizers bring their own malloc and mmap, which failing_calls cannot be put in front of.
#ifdef GPUSHARD_SANITIZED
inline constexpr bool can_preload = false;
#else
inline constexpr bool can_preload = true;
#endif

/// The environment of a child in front of whose C library failing_calls stands, with variables for it.
inline std::vector<std::string> preload_environment(std::vector<std::string> variables) {
    variables.push_back(std::string("LD_PRELOAD=") + GPUSHARD_FAILING_CALLS);
    return variables;
}

}  // namespace gpushard::test
