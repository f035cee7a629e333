#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gpushard/bytes.hpp>

/// The small files in which a kernel tells of itself: lines of a word and a number.
namespace gpushard {

/// What such a file says, up to 256 KiB.
struct KernelText {
    std::string text;
    int error = 0;  ///< errno where it cannot be read
};

KernelText try_kernel_file(const std::filesystem::path& path);

/// The text alone, empty when it cannot be read.
std::string read_kernel_file(const std::filesystem::path& path);

std::string_view trim(std::string_view text);
std::vector<std::string_view> lines_of(std::string_view text);

/// The number `text` begins with; nothing for "max", "unlimited" and the like.
std::optional<Bytes> leading_number(std::string_view text);

/// The number on the line that begins with `key`.
std::optional<Bytes> number_after(std::string_view text, std::string_view key);

/// As number_after, for the lines of /proc that count in KiB.
std::optional<Bytes> kib_after(std::string_view text, std::string_view key);

}  // namespace gpushard
