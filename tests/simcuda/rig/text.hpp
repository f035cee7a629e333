#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace simcuda {

/// A rig or a fault that is spelled wrong; says which part and what was expected.
class BadText : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

std::vector<std::string> split(std::string_view text, char separator);
std::string_view trimmed(std::string_view text);
std::uint64_t parse_number(std::string_view text);
/// "80GiB", "1.5GB", "300MiB", "4096".
std::uint64_t parse_bytes(std::string_view text);
std::string format_bytes(std::uint64_t bytes);

}  // namespace simcuda
