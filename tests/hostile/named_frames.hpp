#pragma once

#include <string>

namespace gpushard::test {

/// The frames of failing_calls with names, also of functions that only debug information knows ("addr2line" of
/// binutils).
std::string named_frames(const std::string& frames);

}  // namespace gpushard::test
