#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace gpushard {

/// Cuts a text that arrives in blocks into lines, in bounded memory. What is handed on is cleaned: NULs (UTF-16 logs)
/// and terminal colours are dropped, runs of blanks are one space, none at either end. A carriage return ends a line
/// as well, so that what a progress bar overwrote is read. A line longer than `longest` comes in pieces that overlap.
class LogLines {
public:
    static constexpr std::size_t longest = 8192;
    static constexpr std::size_t overlap = 1024;

    using Take = std::function<void(std::uint64_t number, std::string_view line)>;
    explicit LogLines(Take take) : take_(std::move(take)) { line_.reserve(longest); }

    void feed(std::string_view block);
    void finish();  ///< the last line, which may lack its newline

    std::uint64_t lines_read() const { return number_ - (at_line_start_ ? 1 : 0); }

private:
    enum class Escape { none, begun, sequence };

    void add(char c);
    void end_line();

    Take take_;
    std::string line_;
    std::uint64_t number_ = 1;
    bool at_line_start_ = true;  ///< of a line that newlines count
    bool is_continued_ = false;  ///< line_ begins with the end of the piece before
    Escape escape_ = Escape::none;
};

}  // namespace gpushard
