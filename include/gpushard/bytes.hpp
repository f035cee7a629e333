#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gpushard {

/// A number of bytes. Sums that could wrap are checked where they are made (`checked_add`, `checked_multiply`).
using Bytes = std::uint64_t;

inline namespace byte_literals {

constexpr Bytes operator""_KiB(unsigned long long n) { return n << 10; }
constexpr Bytes operator""_MiB(unsigned long long n) { return n << 20; }
constexpr Bytes operator""_GiB(unsigned long long n) { return n << 30; }
constexpr Bytes operator""_TiB(unsigned long long n) { return n << 40; }
constexpr Bytes operator""_MB(unsigned long long n) { return n * 1000 * 1000; }
constexpr Bytes operator""_GB(unsigned long long n) { return n * 1000 * 1000 * 1000; }

}  // namespace byte_literals

/// "30.06 GiB", "512.0 MiB", "17 B": binary units, four significant digits, exact below 1 KiB.
std::string format_bytes(Bytes bytes);

/// Reads "24GiB", "512MiB", "1.5GB", "64K" (a bare K, M, G, T is binary) or bare bytes; case and spaces do not
/// matter. Throws InvalidArgument for anything else, for negative numbers, and for sizes of 2^63 bytes or more.
Bytes parse_bytes(std::string_view text);

/// a + b and a * b; throw std::overflow_error instead of wrapping around.
Bytes checked_add(Bytes a, Bytes b);
Bytes checked_multiply(Bytes a, Bytes b);

}  // namespace gpushard
