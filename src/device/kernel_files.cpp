#include "device/kernel_files.hpp"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>
#include <utility>

namespace gpushard {
namespace {

constexpr std::size_t largest_kernel_file = 256 << 10;

}  // namespace

KernelText try_kernel_file(const std::filesystem::path& path) {
    errno = 0;
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
    if (file == nullptr) return {.text = {}, .error = errno != 0 ? errno : EIO};
    std::string text(largest_kernel_file, '\0');
    errno = 0;
    text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    if (std::ferror(file.get()) != 0) return {.text = {}, .error = errno != 0 ? errno : EIO};
    return {.text = std::move(text), .error = 0};
}

std::string read_kernel_file(const std::filesystem::path& path) { return try_kernel_file(path).text; }

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const auto end = text.find('\n');
        lines.push_back(text.substr(0, end));
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    return lines;
}

std::optional<Bytes> leading_number(std::string_view text) {
    text = trim(text);
    Bytes value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end == text.data()) return std::nullopt;
    return value;
}

std::optional<Bytes> number_after(std::string_view text, std::string_view key) {
    for (const std::string_view line : lines_of(text)) {
        if (line.substr(0, key.size()) == key) return leading_number(line.substr(key.size()));
    }
    return std::nullopt;
}

std::optional<Bytes> kib_after(std::string_view text, std::string_view key) {
    const auto value = number_after(text, key);
    if (!value || *value > (~Bytes{0} >> 10)) return std::nullopt;
    return *value << 10;
}

}  // namespace gpushard
