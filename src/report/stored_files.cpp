#include "report/stored_files.hpp"

#include <algorithm>

#include <fmt/core.h>

#include <gpushard/printable_text.hpp>

#include "core/utf8.hpp"

namespace gpushard {
namespace {

constexpr const char* encoded_key = "files_percent_encoded";
constexpr std::size_t most_files = 65536;
/// Of a path of 4096 bytes each of which takes three.
constexpr std::size_t longest_text = std::size_t{3} * 4096;

bool stands_for_itself(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~/").find(c) != std::string_view::npos;
}

std::string encoded(const std::string& path) {
    std::string text;
    for (const char c : path) {
        text += stands_for_itself(c) ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return text;
}

/// -1 where it is no hexadecimal digit.
int digit_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

std::string decoded(const JsonReader& json) {
    const std::string text = json.string(longest_text);
    std::string path;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            path += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? digit_value(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? digit_value(text[i + 2]) : -1;
        if (high < 0 || low < 0) throw json.wrong("two hexadecimal digits after every %");
        path += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return path;
}

}  // namespace

Json files_value(const std::vector<std::string>& files) {
    Json shown = Json::array();
    for (const std::string& file : files) shown.push_back(valid_utf8(file));
    Json json = {{"files", std::move(shown)}};
    if (std::all_of(files.begin(), files.end(), [](const std::string& file) { return is_utf8(file); })) return json;
    for (const std::string& file : files) json[encoded_key].push_back(encoded(file));
    return json;
}

std::vector<std::string> stored_files(const JsonReader& profile) {
    const std::vector<JsonReader> shown = profile["files"].elements(most_files);
    std::vector<std::string> files;
    for (const JsonReader& file : shown) files.push_back(file.string(longest_text));
    if (profile.has(encoded_key)) {
        const std::vector<JsonReader> texts = profile[encoded_key].elements(most_files);
        if (texts.size() != files.size()) {
            throw profile[encoded_key].wrong(fmt::format("{} elements, as files has", files.size()));
        }
        for (std::size_t i = 0; i < texts.size(); ++i) {
            const std::string path = decoded(texts[i]);
            if (valid_utf8(path) != files[i]) throw texts[i].wrong("the path that files shows in the same place");
            files[i] = path;
        }
    }
    for (std::size_t i = 0; i < files.size(); ++i) {
        const bool is_path = !files[i].empty() && files[i].find('\0') == std::string::npos;
        if (!is_path) throw shown[i].wrong("a path");
    }
    return files;
}

}  // namespace gpushard
