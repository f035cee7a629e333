#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace simcuda::ptx {

struct Token {
    enum class Kind : std::uint8_t {
        end,
        word,    ///< "ld", "%r1", "$L__BB0_1", "_"
        dotted,  ///< ".global", ".L2::128B"; `text` is without the first dot
        number,  ///< "12", "0xFFU", "0f3F800000", "1.5e-3"
        string,  ///< with its quotes
        sign,    ///< one character
    };
    Kind kind = Kind::end;
    std::string_view text;
    std::uint32_t line = 0;

    bool is(char sign) const { return kind == Kind::sign && text.front() == sign; }
    bool is_word(std::string_view word) const { return kind == Kind::word && text == word; }
    bool is_dotted(std::string_view word) const { return kind == Kind::dotted && text == word; }
};

/// The tokens of PTX one after another; blanks and comments lie between them. What is no token throws BadPtx.
class Lexer {
public:
    /// `line` is the number of the first line of `text`.
    explicit Lexer(std::string_view text, std::uint32_t line = 1);

    const Token& token() const { return token_; }
    /// Where token() begins and ends.
    std::size_t begin() const { return begin_; }
    std::size_t end() const { return position_; }
    std::string_view text() const { return text_; }

    void advance();
    /// To the first token behind the line of token().
    void skip_line();
    /// token() is `{`: to the `}` that closes it, without a look at the tokens between.
    void skip_to_closing_brace();

    /// token() has to be that sign; goes on to the next.
    void expect(char sign);
    /// Goes on to the next where token() is that sign.
    bool accept(char sign);
    /// The text of token(), which has to be of that kind; goes on to the next.
    std::string_view take(Token::Kind kind, std::string_view expected);

    /// Throws BadPtx: "line 3: found "x", expected ...".
    [[noreturn]] void unexpected(std::string_view expected) const;

private:
    void skip_blanks();
    void skip_comment();
    void skip_string();
    std::size_t number_end() const;
    [[noreturn]] void bad(const std::string& what) const;

    std::string_view text_;
    std::size_t begin_ = 0;
    std::size_t position_ = 0;
    std::uint32_t line_;
    Token token_;
};

/// Throws BadPtx: "line 3: ...".
[[noreturn]] void bad_ptx(std::uint32_t line, const std::string& what);

}  // namespace simcuda::ptx
