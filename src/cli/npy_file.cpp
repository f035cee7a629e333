#include "cli/npy_file.hpp"

#include <charconv>
#include <cstring>
#include <optional>

#include <fmt/core.h>

#include <gpushard/error.hpp>

namespace gpushard::cli {
namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr Bytes most_header_bytes = 64_KiB;

/// Reads the Python literal in the header: {'descr': '<f4', 'fortran_order': False, 'shape': (600, 384), }.
class HeaderLiteral {
public:
    explicit HeaderLiteral(std::string_view text) : rest_(text) {}

    /// Nothing when the text is no such literal.
    std::optional<NpyHeader> parse() {
        NpyHeader header;
        int seen = 0;
        if (!take('{')) return std::nullopt;
        while (!take('}')) {
            const auto name = string();
            if (!name || !take(':') || !member(*name, header)) return std::nullopt;
            ++seen;
            if (!take(',') && peek() != '}') return std::nullopt;
        }
        if (seen != 3 || peek() != '\0') return std::nullopt;
        return header;
    }

private:
    bool member(std::string_view name, NpyHeader& header) {
        if (name == "descr") return assign(header.descr, string());
        if (name == "fortran_order") return assign(header.fortran_order, boolean());
        if (name == "shape") return assign(header.shape, tuple());
        return false;
    }

    template <typename Target, typename Value>
    static bool assign(Target& target, const std::optional<Value>& value) {
        if (value) target = *value;
        return value.has_value();
    }

    void skip_space() {
        const auto next = rest_.find_first_not_of(" \t\n");
        rest_.remove_prefix(next == std::string_view::npos ? rest_.size() : next);
    }

    char peek() {
        skip_space();
        return rest_.empty() ? '\0' : rest_.front();
    }

    bool take(char c) {
        if (peek() != c || rest_.empty()) return false;
        rest_.remove_prefix(1);
        return true;
    }

    bool take_word(std::string_view word) {
        skip_space();
        if (rest_.substr(0, word.size()) != word) return false;
        rest_.remove_prefix(word.size());
        return true;
    }

    std::optional<std::string_view> string() {
        const char quote = peek();
        if (quote != '\'' && quote != '"') return std::nullopt;
        const auto end = rest_.find(quote, 1);
        if (end == std::string_view::npos) return std::nullopt;
        const std::string_view text = rest_.substr(1, end - 1);
        rest_.remove_prefix(end + 1);
        return text;
    }

    std::optional<bool> boolean() {
        if (take_word("True")) return true;
        if (take_word("False")) return false;
        return std::nullopt;
    }

    std::optional<std::vector<std::int64_t>> tuple() {
        std::vector<std::int64_t> numbers;
        if (!take('(')) return std::nullopt;
        while (!take(')')) {
            skip_space();
            std::int64_t number = 0;
            const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
            if (error != std::errc{} || number < 0) return std::nullopt;
            rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
            numbers.push_back(number);
            if (!take(',') && peek() != ')') return std::nullopt;
        }
        return numbers;
    }

    std::string_view rest_;
};

}  // namespace

bool is_npy(const ByteSource& source) {
    if (source.size() < magic.size()) return false;
    char begin[magic.size()];
    source.read(0, begin, sizeof begin);
    return std::string_view(begin, sizeof begin) == magic;
}

bool is_array(const std::filesystem::path& path, std::string_view descr) {
    try {
        const std::shared_ptr<ByteSource> source = open_file(path);
        if (!is_npy(*source)) return false;
        const NpyHeader header = read_npy_header(*source);
        return header.descr == descr && header.shape.size() == 2;
    } catch (const Error&) {
        return false;
    }
}

NpyHeader read_npy_header(const ByteSource& source) {
    const std::string name = source.name();
    unsigned char version[2];
    source.read(magic.size(), version, sizeof version);
    if (version[0] < 1 || version[0] > 3) {
        throw BadFile::field(name, magic.size(), "NumPy format version", fmt::format("{}.{}", version[0], version[1]),
                             "1.0, 2.0 or 3.0");
    }
    const Bytes length_offset = magic.size() + sizeof version;
    const std::size_t length_bytes = version[0] == 1 ? 2 : 4;
    std::uint32_t length = 0;
    source.read(length_offset, &length, length_bytes);
    if (length > most_header_bytes) {
        throw BadFile::field(name, length_offset, "NumPy header length", std::to_string(length),
                             fmt::format("at most {}", most_header_bytes));
    }
    std::string text(length, '\0');
    source.read(length_offset + length_bytes, text.data(), text.size());
    auto header = HeaderLiteral(text).parse();
    if (!header) {
        throw BadFile::field(name, length_offset + length_bytes, "NumPy header", "malformed",
                             "a dictionary of descr, fortran_order and shape");
    }
    header->data_offset = length_offset + length_bytes + length;
    return *header;
}

std::string npy_header(std::string_view descr, std::int64_t rows, std::int64_t columns) {
    std::string text =
        fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}, {}), }}", descr, rows, columns);
    // The values begin at a multiple of 64 bytes, after a newline.
    const std::size_t before = magic.size() + 4;
    text.append((64 - (before + text.size() + 1) % 64) % 64, ' ');
    text += '\n';
    std::string header(magic);
    header += '\x01';
    header += '\0';
    header += static_cast<char>(text.size() & 0xff);
    header += static_cast<char>(text.size() >> 8);
    return header + text;
}

}  // namespace gpushard::cli
