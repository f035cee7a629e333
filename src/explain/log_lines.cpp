#include "explain/log_lines.hpp"

namespace gpushard {
namespace {

constexpr char escape_character = '\x1b';

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\v' || c == '\f'; }

}  // namespace

void LogLines::feed(std::string_view block) {
    for (const char c : block) {
        if (c == '\n') {
            end_line();
            ++number_;
            at_line_start_ = true;
        } else {
            at_line_start_ = false;
            if (c == '\r') {
                end_line();
            } else {
                add(c);
            }
        }
    }
}

void LogLines::finish() { end_line(); }

void LogLines::add(char c) {
    if (escape_ == Escape::begun) {
        escape_ = c == '[' ? Escape::sequence : Escape::none;
        return;
    }
    if (escape_ == Escape::sequence) {
        if (c >= '@' && c <= '~') escape_ = Escape::none;
        return;
    }
    if (c == escape_character) {
        escape_ = Escape::begun;
        return;
    }
    if (c == '\0') return;
    if (is_blank(c)) {
        if (!line_.empty() && line_.back() != ' ') line_ += ' ';
    } else {
        line_ += c;
    }
    if (line_.size() < longest) return;
    take_(number_, line_);
    line_.erase(0, line_.size() - overlap);
    is_continued_ = true;
}

void LogLines::end_line() {
    escape_ = Escape::none;
    if (!line_.empty() && line_.back() == ' ') line_.pop_back();
    if (!line_.empty() && !(is_continued_ && line_.size() <= overlap)) take_(number_, line_);
    line_.clear();
    is_continued_ = false;
}

}  // namespace gpushard
