#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gpushard::test {

/// The PTX payloads of every fat binary inside a file (a program, a library, an archive), as they lie there; views into
/// `file`.
std::vector<std::string_view> ptx_payloads(std::string_view file);

std::string read_file(const std::string& path);

}  // namespace gpushard::test
