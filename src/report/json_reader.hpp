#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <gpushard/bytes.hpp>
#include <gpushard/error.hpp>

namespace gpushard {

/// The most bytes a plan or rig may have as text.
inline constexpr Bytes max_json_bytes = 64_MiB;
/// The most devices a plan or rig may list.
inline constexpr std::size_t max_json_devices = 65536;

/// Parses text of at most max_json_bytes, 16 levels and 4 million values and keys, in time linear in its length; `name`
/// is what messages call it. Throws BadFile.
nlohmann::json parse_json(std::string_view text, const std::string& name);

/// The text of a file of at most max_json_bytes, or of a pipe: see read_text, and it throws what that throws.
std::string read_json_file(const std::filesystem::path& path);

/// A place in a JSON text that knows its path, so that whatever is wrong there is said in one line: text, path, value,
/// and what was expected. Every reading function throws BadFile. The text must outlive it.
class JsonReader {
public:
    JsonReader(const nlohmann::json& json, std::string name) : json_(&json), name_(std::move(name)) {}

    /// A member of this object.
    JsonReader operator[](const char* key) const;
    bool has(const char* key) const;

    /// The elements of this array, at most `most` of them.
    std::vector<JsonReader> elements(std::size_t most) const;

    std::int64_t integer(std::int64_t least, std::int64_t most) const;
    Bytes bytes() const;  ///< below 2^63
    double number(double least, double most) const;
    bool boolean() const;
    bool is_null() const { return json_->is_null(); }
    bool is_object() const { return json_->is_object(); }
    std::string string(std::size_t longest = 4096) const;
    std::vector<std::string> strings(std::size_t most) const;

    /// The value that `parse` makes of this text, which throws InvalidArgument for what it does not know.
    template <typename Parse>
    auto parsed(Parse parse, const char* expected) const {
        try {
            return parse(string());
        } catch (const InvalidArgument&) {
            throw wrong(expected);
        }
    }

    /// Throws unless this integer is `value`.
    void must_be(Bytes value, const char* because) const;

    /// "NAME: PATH is VALUE, expected EXPECTED".
    BadFile wrong(const std::string& expected) const;

private:
    JsonReader(const nlohmann::json& json, std::string name, std::string path)
        : json_(&json), name_(std::move(name)), path_(std::move(path)) {}

    const nlohmann::json* json_;
    std::string name_;
    std::string path_;
};

}  // namespace gpushard
