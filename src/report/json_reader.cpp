#include "report/json_reader.hpp"

#include <limits>

#include <fmt/core.h>

#include <gpushard/byte_source.hpp>
#include <gpushard/printable_text.hpp>

#include "report/text_table.hpp"

namespace gpushard {
namespace {

constexpr int deepest = 16;
constexpr std::size_t most_values = 4'000'000;
constexpr std::size_t longest_shown = 60;

BadFile bad_json(const std::string& name, const std::string& problem) {
    return BadFile(name + ": " + problem, {}, {{"file", name}});
}

/// Reads a JSON text for its bounds alone, in time linear in its length. Ends at what is not JSON: the parser says
/// that.
class Measure final : public nlohmann::json_sax<nlohmann::json> {
public:
    explicit Measure(const std::string& name) : name_(name) {}

    bool null() override { return count(); }
    bool boolean(bool) override { return count(); }
    bool number_integer(std::int64_t) override { return count(); }
    bool number_unsigned(std::uint64_t) override { return count(); }
    bool number_float(double, const std::string&) override { return count(); }
    bool string(std::string&) override { return count(); }
    bool binary(nlohmann::json::binary_t&) override { return count(); }
    bool key(std::string&) override { return count(); }
    bool start_object(std::size_t) override { return begin(); }
    bool start_array(std::size_t) override { return begin(); }
    bool end_object() override { return end(); }
    bool end_array() override { return end(); }
    bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override { return false; }

private:
    bool count() {
        if (++values_ > most_values) throw bad_json(name_, fmt::format("has more than {} values", most_values));
        return true;
    }
    bool begin() {
        if (++depth_ > deepest) throw bad_json(name_, fmt::format("is nested deeper than {} levels", deepest));
        return count();
    }
    bool end() {
        --depth_;
        return true;
    }

    const std::string& name_;
    int depth_ = 0;
    std::size_t values_ = 0;
};

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& name) {
    using Json = nlohmann::json;
    if (text.size() > max_json_bytes) {
        throw bad_json(name, fmt::format("has {} bytes, expected at most {}", text.size(), max_json_bytes));
    }
    // Measured first, without building anything. A callback of the parser could refuse as it builds, but that looks
    // through all earlier siblings after each empty object.
    Measure measure(name);
    Json::sax_parse(text, &measure);
    try {
        return Json::parse(text);
    } catch (const Json::parse_error& error) {
        throw bad_json(name, fmt::format("is not JSON: syntax error at byte {}", error.byte));
    } catch (const Json::exception&) {
        throw bad_json(name, "is not JSON: a number is out of range");
    }
}

std::string read_json_file(const std::filesystem::path& path) {
    std::string text;
    read_text(path, max_json_bytes, [&](std::string_view block) { text += block; });
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
            : shorten(printable(json_->dump(-1, ' ', true, nlohmann::json::error_handler_t::replace)), longest_shown);
    return BadFile(name_ + ": " + path + " is " + value + ", expected " + expected, {},
                   {{"file", name_}, {"field", path}, {"value", value}, {"expected", expected}});
}

}  // namespace gpushard
