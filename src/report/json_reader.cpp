#include "report/json_reader.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>

#include <fmt/core.h>

#include "report/text_table.hpp"

namespace gpushard {
namespace {

constexpr int deepest = 16;
constexpr std::size_t most_values = 4'000'000;
constexpr std::size_t longest_shown = 60;

BadFile bad_json(const std::string& name, const std::string& problem) {
    return BadFile(name + ": " + problem, {}, {{"file", name}});
}

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& name) {
    using Json = nlohmann::json;
    if (text.size() > max_json_bytes) {
        throw bad_json(name, fmt::format("has {} bytes, expected at most {}", text.size(), max_json_bytes));
    }
    std::size_t values = 0;
    const Json::parser_callback_t bound = [&](int depth, Json::parse_event_t, Json&) {
        if (depth > deepest) throw bad_json(name, fmt::format("is nested deeper than {} levels", deepest));
        if (++values > most_values) throw bad_json(name, fmt::format("has more than {} values", most_values));
        return true;
    };
    try {
        return Json::parse(text, bound);
    } catch (const Json::parse_error& error) {
        throw bad_json(name, fmt::format("is not JSON: syntax error at byte {}", error.byte));
    } catch (const Json::exception&) {
        throw bad_json(name, "is not JSON: a number is out of range");
    }
}

std::string read_json_file(const std::filesystem::path& path) {
    const std::string name = path.string();
    std::error_code unknown;
    if (std::filesystem::is_directory(path, unknown)) throw bad_json(name, "is a folder, expected a JSON file");
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
    if (file == nullptr) throw bad_json(name, fmt::format("cannot be opened: {}", std::strerror(errno)));
    std::string text;
    char block[64 << 10];
    while (const std::size_t got = std::fread(block, 1, sizeof block, file.get())) {
        text.append(block, got);
        if (text.size() > max_json_bytes) {
            throw bad_json(name, fmt::format("has more than the {} bytes a plan or rig may have", max_json_bytes));
        }
    }
    if (std::ferror(file.get()) != 0) throw bad_json(name, fmt::format("cannot be read: {}", std::strerror(errno)));
    return text;
}

JsonReader JsonReader::operator[](const char* key) const {
    if (!json_->is_object()) throw wrong("an object");
    const std::string path = path_.empty() ? key : path_ + "." + key;
    const auto found = json_->find(key);
    if (found == json_->end()) {
        throw BadFile(name_ + ": " + path + " is missing", {}, {{"file", name_}, {"field", path}});
    }
    return JsonReader(*found, name_, path);
}

bool JsonReader::has(const char* key) const { return json_->is_object() && json_->contains(key); }

std::vector<JsonReader> JsonReader::elements(std::size_t most) const {
    if (!json_->is_array()) throw wrong("an array");
    if (json_->size() > most) throw wrong(fmt::format("at most {} elements", most));
    std::vector<JsonReader> all;
    all.reserve(json_->size());
    for (const auto& element : *json_) {
        all.push_back(JsonReader(element, name_, fmt::format("{}[{}]", path_, all.size())));
    }
    return all;
}

std::int64_t JsonReader::integer(std::int64_t least, std::int64_t most) const {
    constexpr std::uint64_t largest = std::numeric_limits<std::int64_t>::max();
    const bool fits = json_->is_number_unsigned() ? json_->get<std::uint64_t>() <= largest : json_->is_number_integer();
    if (!fits || json_->get<std::int64_t>() < least || json_->get<std::int64_t>() > most) {
        throw wrong(fmt::format("a whole number from {} to {}", least, most));
    }
    return json_->get<std::int64_t>();
}

Bytes JsonReader::bytes() const { return static_cast<Bytes>(integer(0, std::numeric_limits<std::int64_t>::max())); }

double JsonReader::number(double least, double most) const {
    if (!json_->is_number()) throw wrong("a number");
    const double value = json_->get<double>();
    if (!(value >= least && value <= most)) throw wrong(fmt::format("a number from {} to {}", least, most));
    return value;
}

bool JsonReader::boolean() const {
    if (!json_->is_boolean()) throw wrong("true or false");
    return json_->get<bool>();
}

std::string JsonReader::string(std::size_t longest) const {
    if (!json_->is_string()) throw wrong("a text");
    if (json_->get_ref<const std::string&>().size() > longest) {
        throw wrong(fmt::format("a text of at most {} bytes", longest));
    }
    return json_->get<std::string>();
}

std::vector<std::string> JsonReader::strings(std::size_t most) const {
    std::vector<std::string> texts;
    for (const JsonReader& element : elements(most)) texts.push_back(element.string());
    return texts;
}

void JsonReader::must_be(Bytes value, const char* because) const {
    if (bytes() != value) throw wrong(fmt::format("{}, {}", value, because));
}

BadFile JsonReader::wrong(const std::string& expected) const {
    const std::string path = path_.empty() ? "the text" : path_;
    const std::string value =
        json_->is_structured()
            ? fmt::format("{} of {}", json_->is_array() ? "an array" : "an object", json_->size())
            : shorten(single_line(json_->dump(-1, ' ', true, nlohmann::json::error_handler_t::replace)), longest_shown);
    return BadFile(name_ + ": " + path + " is " + value + ", expected " + expected, {},
                   {{"file", name_}, {"field", path}, {"value", value}, {"expected", expected}});
}

}  // namespace gpushard
