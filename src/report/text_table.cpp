#include "report/text_table.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include <gpushard/printable_text.hpp>

namespace gpushard {

std::vector<std::size_t> TextTable::widths() const {
    std::vector<std::size_t> widths;
    for (const Column& column : columns_) widths.push_back(column.title.size());
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < std::min(row.size(), widths.size()); ++i) {
            widths[i] = std::max(widths[i], row[i].size());
        }
    }
    return widths;
}

std::size_t TextTable::width() const {
    std::size_t sum = columns_.empty() ? 0 : 2 * (columns_.size() - 1);
    for (const std::size_t width : widths()) sum += width;
    return sum;
}

std::string TextTable::render() const {
    const std::vector<std::size_t> widths = this->widths();
    std::string text;
    const auto add_line = [&](const auto& cell_of) {
        std::string line;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const std::string cell = cell_of(i);
            const std::string padding(widths[i] - cell.size(), ' ');
            line += "  ";
            line += columns_[i].align == Align::left ? cell + padding : padding + cell;
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    };
    add_line([&](std::size_t i) { return columns_[i].title; });
    for (const auto& row : rows_) {
        add_line([&](std::size_t i) { return i < row.size() ? row[i] : std::string(); });
    }
    return text;
}

std::string group_digits(std::int64_t number) {
    std::string digits = fmt::format("{}", number);
    const std::size_t sign = number < 0 ? 1 : 0;
    for (std::size_t at = digits.size(); at > sign + 3;) {
        at -= 3;
        digits.insert(at, 1, ',');
    }
    return digits;
}

std::string shorten(std::string_view text, std::size_t width) {
    if (text.size() <= width) return std::string(text);
    return printable(text, width - 3) + "...";
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
    std::vector<std::string> lines;
    while (text.size() > width) {
        std::size_t space = text.rfind(' ', width);
        if (space == std::string_view::npos) space = text.find(' ');
        if (space == std::string_view::npos) break;
        lines.emplace_back(text.substr(0, space));
        text.remove_prefix(space + 1);
    }
    lines.emplace_back(text);
    return lines;
}

std::string bar(Bytes part, Bytes whole, std::size_t width) {
    const std::size_t cells = width > 2 ? width - 2 : 1;
    std::size_t filled = cells;
    if (part < whole) {
        const double fill = static_cast<double>(part) / static_cast<double>(whole) * static_cast<double>(cells);
        filled = std::min(cells - 1, static_cast<std::size_t>(std::ceil(fill)));
    }
    if (part == 0) filled = 0;
    return "[" + std::string(filled, '#') + std::string(cells - filled, '.') + "]";
}

SizeColumn::SizeColumn(Bytes largest) {
    if (largest >= 1_GiB) {
        unit_ = "GiB", divisor_ = static_cast<double>(1_GiB), decimals_ = 3;
    } else if (largest >= 1_MiB) {
        unit_ = "MiB", divisor_ = static_cast<double>(1_MiB), decimals_ = 2;
    } else {
        unit_ = "KiB", divisor_ = static_cast<double>(1_KiB), decimals_ = 1;
    }
}

std::string SizeColumn::format(Bytes bytes) const {
    return fmt::format("{:.{}f}", static_cast<double>(bytes) / divisor_, decimals_);
}

}  // namespace gpushard
