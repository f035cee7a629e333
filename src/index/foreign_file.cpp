#include "index/foreign_file.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include <gpushard/printable_text.hpp>

#include "index/little_endian.hpp"

namespace gpushard {
namespace {

bool is_zero(std::string_view bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == '\0'; });
}

/// Space that was set aside for a download, or a file that lost its content in a crash.
std::optional<ForeignFile> zeros(const FileGlimpse& file) {
    constexpr Bytes samples = 8;
    constexpr Bytes sample_bytes = 64;
    if (!is_zero(file.head)) return std::nullopt;
    bool all = is_zero(file.tail);
    for (Bytes i = 1; i < samples && all; ++i) all = is_zero(file.read(file.size / samples * i, sample_bytes));
    return ForeignFile{all ? "zeros" : "zeros_in_front",
                       all ? "nothing but zeros wherever it was looked at"
                           : "zeros for its first " + std::to_string(file.head.size()) + " bytes",
                       {"its space was set aside and not filled: let the download or copy finish, or begin it again"}};
}

}  // namespace

std::string FileGlimpse::read(Bytes offset, Bytes count) const {
    if (offset >= size) return {};
    std::string bytes(static_cast<std::size_t>(std::min(count, size - offset)), '\0');
    source.read(offset, bytes.data(), bytes.size());
    return bytes;
}

FileGlimpse glimpse(const ByteSource& source) {
    FileGlimpse file{.source = source, .name = source.name(), .size = source.size(), .head = {}, .tail = {}};
    file.head = file.read(0, glimpse_bytes);
    file.tail = file.read(file.size - std::min(file.size, glimpse_bytes), glimpse_bytes);
    return file;
}

std::optional<ForeignFile> recognise_foreign_file(const ByteSource& source) {
    const FileGlimpse file = glimpse(source);
    for (const auto recognise : {zeros, recognise_vectors, recognise_by_signature, recognise_text, guess_by_name}) {
        if (auto found = recognise(file)) return found;
    }
    return std::nullopt;
}

std::string look_beside(const std::string& path) {
    const std::string folder = std::filesystem::path(path).parent_path().string();
    return "look for an index beside it: gpushard inspect " + shell_quoted(folder.empty() ? "." : folder);
}

std::string output_name(const std::string& path, std::string_view ending) {
    const bool has_ending = path.size() > ending.size() && path.ends_with(ending);
    return has_ending ? path.substr(0, path.size() - ending.size()) : path + ".out";
}

std::string as_faiss_prints(std::string_view fourcc) {
    std::string letters;
    for (const char c : fourcc) {
        const auto byte = static_cast<unsigned char>(c);
        char text[5] = {c, '\0'};
        if (byte < 32 || byte >= 127) std::snprintf(text, sizeof text, "\\x%02x", byte);
        letters += text;
    }
    char number[11];
    std::snprintf(number, sizeof number, "0x%08x", little_endian<std::uint32_t>(fourcc, 0));
    return std::string("Index type ") + number + " (\"" + letters + "\") not recognized";
}

}  // namespace gpushard
