#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gpushard/bytes.hpp>

namespace gpushard {

/// The widest line a report prints.
inline constexpr std::size_t report_width = 100;

enum class Align { left, right };

/// Rows of text in columns as wide as their widest cell, two spaces apart.
class TextTable {
public:
    struct Column {
        std::string title;
        Align align = Align::right;
    };

    explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// A row may be shorter than the columns; cells beyond them are dropped.
    void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

    /// Of a whole line, without the indent.
    std::size_t width() const;

    /// Every line indented by two spaces and ended by a newline, none with trailing spaces.
    std::string render() const;

private:
    std::vector<std::size_t> widths() const;

    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

/// "21,015,324".
std::string group_digits(std::int64_t number);

/// At most `width` bytes of `text`, ending in "..." where some were cut off, and never within a character.
std::string shorten(std::string_view text, std::size_t width);

/// `text` cut at spaces into lines of at most `width` characters; a longer word stays whole.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

/// "[####......]": `part` of `whole`, in `width` characters; full only when part >= whole, empty only when part is 0.
std::string bar(Bytes part, Bytes whole, std::size_t width);

/// Sizes of one column, all in the unit that suits the largest of them.
class SizeColumn {
public:
    explicit SizeColumn(Bytes largest);
    const char* unit() const { return unit_; }
    std::string format(Bytes bytes) const;

private:
    const char* unit_;
    double divisor_;
    int decimals_;
};

}  // namespace gpushard
