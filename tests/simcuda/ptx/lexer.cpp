#include "ptx/lexer.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "ptx/kernel.hpp"

namespace simcuda::ptx {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool continues_word(char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '$'; }
bool begins_word(char c) { return is_letter(c) || c == '_' || c == '$' || c == '%'; }
bool continues_modifier(char c) { return is_letter(c) || is_digit(c) || c == '_'; }

constexpr std::string_view signs = "{}()[]<>,;:@!|+-~*=";

}  // namespace

void bad_ptx(std::uint32_t line, const std::string& what) {
    throw BadPtx("line " + std::to_string(line) + ": " + what);
}

Lexer::Lexer(std::string_view text, std::uint32_t line) : text_(text), line_(line) { advance(); }

void Lexer::bad(const std::string& what) const { bad_ptx(line_, what); }

void Lexer::unexpected(std::string_view expected) const {
    std::string found = "the end of the text";
    if (token_.kind != Token::Kind::end) {
        found = "\"" + std::string(token_.kind == Token::Kind::dotted ? "." : "") + std::string(token_.text) + "\"";
    }
    bad_ptx(token_.line, "found " + found + ", expected " + std::string(expected));
}

void Lexer::expect(char sign) {
    if (!accept(sign)) unexpected("\"" + std::string(1, sign) + "\"");
}

bool Lexer::accept(char sign) {
    if (!token_.is(sign)) return false;
    advance();
    return true;
}

std::string_view Lexer::take(Token::Kind kind, std::string_view expected) {
    if (token_.kind != kind) unexpected(expected);
    const std::string_view text = token_.text;
    advance();
    return text;
}

/// From the `/` that opens it.
void Lexer::skip_comment() {
    if (text_.substr(position_, 2) == "//") {
        position_ = std::min(text_.find('\n', position_), text_.size());
        return;
    }
    if (text_.substr(position_, 2) != "/*") bad("found \"/\", expected a comment");
    const auto closed = text_.find("*/", position_ + 2);
    if (closed == std::string_view::npos) bad("found a comment without an end, expected \"*/\"");
    for (; position_ < closed + 2; ++position_) {
        if (text_[position_] == '\n') ++line_;
    }
}

/// From the quote that opens it.
void Lexer::skip_string() {
    for (++position_; position_ < text_.size() && text_[position_] != '\n'; ++position_) {
        if (text_[position_] == '"') {
            ++position_;
            return;
        }
        if (text_[position_] == '\\') ++position_;
    }
    bad("found a string without an end, expected '\"'");
}

void Lexer::skip_blanks() {
    for (; position_ < text_.size();) {
        const char c = text_[position_];
        if (c == '/') {
            skip_comment();
            continue;
        }
        if (c == '\n') {
            ++line_;
        } else if (c != ' ' && c != '\t' && c != '\r') {
            return;
        }
        ++position_;
    }
}

std::size_t Lexer::number_end() const {
    std::size_t end = position_;
    const auto skip_digits = [&] {
        while (end < text_.size() && is_digit(text_[end])) ++end;
    };
    skip_digits();
    if (text_.substr(position_, end - position_) != "0" || end == text_.size() || !is_letter(text_[end])) {
        if (end < text_.size() && text_[end] == '.') {
            ++end;
            skip_digits();
        }
        if (end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
            ++end;
            if (end < text_.size() && (text_[end] == '+' || text_[end] == '-')) ++end;
        }
    }
    while (end < text_.size() && continues_word(text_[end])) ++end;
    return end;
}

void Lexer::advance() {
    skip_blanks();
    begin_ = position_;
    token_ = {.kind = Token::Kind::end, .text = {}, .line = line_};
    if (position_ == text_.size()) return;
    const char first = text_[position_];
    std::size_t end = position_ + 1;
    if (begins_word(first)) {
        while (end < text_.size() && continues_word(text_[end])) ++end;
        token_.kind = Token::Kind::word;
    } else if (is_digit(first)) {
        end = number_end();
        token_.kind = Token::Kind::number;
    } else if (first == '.') {
        ++begin_;
        while (end < text_.size() && continues_modifier(text_[end])) {
            ++end;
            if (text_.substr(end, 2) == "::") end = std::min(end + 2, text_.size());
        }
        if (end == begin_) bad("found \".\", expected a name behind it");
        token_.kind = Token::Kind::dotted;
    } else if (first == '"') {
        skip_string();
        end = position_;
        token_.kind = Token::Kind::string;
    } else if (signs.find(first) != std::string_view::npos) {
        token_.kind = Token::Kind::sign;
    } else {
        std::array<char, 8> code{};
        std::snprintf(code.data(), code.size(), "0x%02X", static_cast<unsigned>(static_cast<unsigned char>(first)));
        bad("found the character " + std::string(code.data()) + ", which PTX does not use");
    }
    token_.text = text_.substr(begin_, end - begin_);
    if (token_.kind == Token::Kind::dotted) --begin_;
    position_ = end;
}

void Lexer::skip_line() {
    position_ = std::min(text_.find('\n', position_), text_.size());
    advance();
}

void Lexer::skip_to_closing_brace() {
    const std::uint32_t opened = line_;
    std::size_t depth = 1;
    while (position_ < text_.size()) {
        switch (text_[position_]) {
            case '\n':
                ++line_;
                break;
            case '/':
                skip_comment();
                continue;
            case '"':
                skip_string();
                continue;
            case '{':
                ++depth;
                break;
            case '}':
                if (--depth == 0) {
                    advance();
                    return;
                }
                break;
            default:
                break;
        }
        ++position_;
    }
    bad("found the end of the text, expected \"}\" for the \"{\" of line " + std::to_string(opened));
}

}  // namespace simcuda::ptx
