#include "ptx/constant.hpp"

#include <bit>
#include <charconv>

#include "ptx/kernel.hpp"

namespace simcuda::ptx {
namespace {

/// Brackets in brackets, so that no text can use up the stack.
constexpr int deepest = 32;
constexpr std::uint64_t warp_size = 32;

Constant parse_sum(Lexer& lexer, int depth);

void need_integers(const Lexer& lexer, const Constant& a, const Constant& b) {
    if (a.kind != Constant::Kind::integer || b.kind != Constant::Kind::integer || a.mask != 0 || b.mask != 0) {
        lexer.unexpected("no arithmetic with what is no integer");
    }
}

void negate(const Lexer& lexer, Constant& value) {
    switch (value.kind) {
        case Constant::Kind::integer:
            if (!value.name.empty()) lexer.unexpected("a sign in front of a number only");
            value.bits = -value.bits;
            break;
        case Constant::Kind::f32:
            value.bits ^= 0x8000'0000U;
            break;
        case Constant::Kind::f64:
            value.bits ^= std::uint64_t{1} << 63;
            break;
    }
}

Constant parse_in_brackets(Lexer& lexer, int depth) {
    if (depth == deepest) lexer.unexpected("fewer brackets in brackets");
    lexer.expect('(');
    Constant value = parse_sum(lexer, depth + 1);
    lexer.expect(')');
    return value;
}

Constant parse_primary(Lexer& lexer, int depth) {
    if (lexer.token().is('(')) return parse_in_brackets(lexer, depth);
    if (lexer.token().kind == Token::Kind::number) {
        Constant value = parse_number(lexer.token().text, lexer.token().line);
        lexer.advance();
        if (!lexer.token().is('(')) return value;
        Constant address = parse_in_brackets(lexer, depth);
        if (value.kind != Constant::Kind::integer || value.bits == 0 || address.name.empty()) {
            lexer.unexpected("a mask in front of an address only");
        }
        address.mask = value.bits;
        return address;
    }
    if (lexer.token().kind != Token::Kind::word) lexer.unexpected("a number or a name");
    const std::string_view word = lexer.token().text;
    if (word.front() == '%') lexer.unexpected("a register that is declared");
    if (word == "_") lexer.unexpected("a number or a name");
    lexer.advance();
    if (word == "WARP_SZ") return {.kind = Constant::Kind::integer, .bits = warp_size, .name = {}, .mask = 0};
    if (word == "generic" && lexer.token().is('(')) return parse_in_brackets(lexer, depth);
    return {.kind = Constant::Kind::integer, .bits = 0, .name = std::string(word), .mask = 0};
}

Constant parse_signed(Lexer& lexer, int depth) {
    std::string before;
    while (lexer.token().is('-') || lexer.token().is('~') || lexer.token().is('+')) {
        before += lexer.token().text;
        lexer.advance();
    }
    Constant value = parse_primary(lexer, depth);
    for (auto sign = before.rbegin(); sign != before.rend(); ++sign) {
        if (*sign == '~') {
            need_integers(lexer, value, value);
            negate(lexer, value);
            value.bits -= 1;
        } else if (*sign == '-') {
            negate(lexer, value);
        }
    }
    return value;
}

Constant parse_product(Lexer& lexer, int depth) {
    Constant value = parse_signed(lexer, depth);
    while (lexer.accept('*')) {
        const Constant factor = parse_signed(lexer, depth);
        need_integers(lexer, value, factor);
        if (!value.name.empty() || !factor.name.empty()) lexer.unexpected("no product of an address");
        value.bits *= factor.bits;
    }
    return value;
}

Constant parse_sum(Lexer& lexer, int depth) {
    Constant value = parse_product(lexer, depth);
    while (lexer.token().is('+') || lexer.token().is('-')) {
        const bool minus = lexer.token().is('-');
        lexer.advance();
        Constant addend = parse_product(lexer, depth);
        need_integers(lexer, value, addend);
        if (minus) negate(lexer, addend);
        if (!addend.name.empty()) {
            if (!value.name.empty()) lexer.unexpected("no sum of two addresses");
            value.name = std::move(addend.name);
        }
        value.bits += addend.bits;
    }
    return value;
}

std::uint64_t parse_digits(std::string_view digits, int base, std::string_view text, std::uint32_t line) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (error != std::errc() || end != digits.data() + digits.size()) {
        bad_ptx(line, "found \"" + std::string(text) + "\", expected a number");
    }
    return value;
}

}  // namespace

Constant parse_number(std::string_view text, std::uint32_t line) {
    Constant value;
    const char letter = text.size() > 1 && text.front() == '0' ? static_cast<char>(text[1] | 0x20) : '\0';
    if (letter == 'f' || letter == 'd') {
        const bool single = letter == 'f';
        value.kind = single ? Constant::Kind::f32 : Constant::Kind::f64;
        if (text.size() != (single ? 10U : 18U)) {
            bad_ptx(line, "found \"" + std::string(text) + "\", expected " + (single ? "8" : "16") + " digits");
        }
        value.bits = parse_digits(text.substr(2), 16, text, line);
        return value;
    }
    if (letter != 'x' && text.find_first_of(".eE") != std::string_view::npos) {
        double parsed = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
        if (error != std::errc() || end != text.data() + text.size()) {
            bad_ptx(line, "found \"" + std::string(text) + "\", expected a number");
        }
        value.kind = Constant::Kind::f64;
        value.bits = std::bit_cast<std::uint64_t>(parsed);
        return value;
    }
    std::string_view digits = text;
    if (digits.back() == 'U') digits.remove_suffix(1);
    int base = 10;
    if (letter == 'x' || letter == 'b') {
        base = letter == 'x' ? 16 : 2;
        digits.remove_prefix(2);
    } else if (digits.size() > 1 && digits.front() == '0') {
        base = 8;
        digits.remove_prefix(1);
    }
    value.bits = parse_digits(digits, base, text, line);
    return value;
}

Constant parse_constant(Lexer& lexer) { return parse_sum(lexer, 0); }

std::uint64_t parse_count(Lexer& lexer) {
    if (lexer.token().kind != Token::Kind::number) lexer.unexpected("a number");
    const Constant value = parse_number(lexer.token().text, lexer.token().line);
    if (value.kind != Constant::Kind::integer) lexer.unexpected("an integer");
    lexer.advance();
    return value.bits;
}

}  // namespace simcuda::ptx
