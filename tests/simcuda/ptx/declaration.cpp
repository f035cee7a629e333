#include "ptx/declaration.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include "ptx/constant.hpp"

namespace simcuda::ptx {
namespace {

constexpr std::uint64_t most_bytes = std::uint64_t{1} << 30;
constexpr std::uint32_t address_bytes = 8;
/// Of an array of arrays, so that no text can use up the stack.
constexpr std::size_t most_dimensions = 16;

constexpr std::array<std::pair<std::string_view, Space>, 5> spaces{{
    {"param", Space::param},
    {"shared", Space::shared},
    {"global", Space::global},
    {"const", Space::constant},
    {"local", Space::local},
}};

std::optional<Space> parse_space(const Token& token) {
    if (token.kind != Token::Kind::dotted) return std::nullopt;
    for (const auto& [name, space] : spaces) {
        if (token.text == name) return space;
    }
    return std::nullopt;
}

/// What is said of variables in front of their names.
struct Declared {
    Space space = Space::global;
    Type type = Type::none;
    std::uint32_t bytes = 0;  ///< of one element
    std::uint32_t alignment = 0;
};

std::uint32_t parse_alignment(Lexer& lexer) {
    lexer.advance();
    const std::uint64_t alignment = parse_count(lexer);
    if (!std::has_single_bit(alignment) || alignment > 4096) lexer.unexpected("a power of two behind .align");
    return static_cast<std::uint32_t>(alignment);
}

/// `.ptr .global .align 8`: of what the parameter points to.
void skip_pointee(Lexer& lexer) {
    lexer.advance();
    if (parse_space(lexer.token())) lexer.advance();
    if (lexer.token().is_dotted("align")) parse_alignment(lexer);
}

void skip_attribute(Lexer& lexer) {
    lexer.advance();
    lexer.expect('(');
    while (!lexer.accept(')')) {
        if (lexer.token().kind == Token::Kind::end) lexer.unexpected("\")\"");
        lexer.advance();
    }
}

Declared parse_declared(Lexer& lexer) {
    const auto space = parse_space(lexer.token());
    if (!space) lexer.unexpected("a state space");
    Declared declared;
    declared.space = *space;
    lexer.advance();
    std::uint32_t lanes = 1;
    while (lexer.token().kind == Token::Kind::dotted) {
        const std::string_view word = lexer.token().text;
        if (word == "align") {
            declared.alignment = parse_alignment(lexer);
        } else if (word == "ptr") {
            skip_pointee(lexer);
        } else if (word == "attribute") {
            skip_attribute(lexer);
        } else if (word == "v2" || word == "v4") {
            lanes = word == "v2" ? 2 : 4;
            lexer.advance();
        } else if (const Type type = parse_type(word); bytes_of(type) != 0) {
            declared.type = type;
            lexer.advance();
        } else {
            lexer.unexpected("the type of a variable");
        }
    }
    if (declared.type == Type::none) lexer.unexpected("the type of a variable");
    declared.bytes = bytes_of(declared.type) * lanes;
    if (declared.alignment == 0) declared.alignment = declared.bytes;
    return declared;
}

/// Fills a variable with what is written behind `=`.
class Initializer {
public:
    Initializer(Lexer& lexer, const Declared& declared, std::vector<std::uint64_t> counts, Variable& variable)
        : lexer_(lexer),
          type_(declared.type),
          element_bytes_(bytes_of(declared.type)),
          counts_(std::move(counts)),
          variable_(variable) {
        if (declared.bytes != element_bytes_) counts_.push_back(declared.bytes / element_bytes_);
    }

    void parse() {
        if (counts_.empty()) {
            variable_.value.resize(variable_.bytes);
            parse_element(0);
            return;
        }
        if (lexer_.token().kind == Token::Kind::string) lexer_.unexpected("numbers in braces");
        variable_.value.resize(variable_.bytes);
        parse_list(0, 0);
        if (variable_.bytes == 0) variable_.bytes = variable_.value.size();
    }

private:
    /// Bytes of one element of the list at that depth; the count of the outermost may be unknown, and is 0 then.
    std::uint64_t step(std::size_t depth) const {
        std::uint64_t bytes = element_bytes_;
        for (std::size_t inner = depth + 1; inner < counts_.size(); ++inner) bytes *= counts_[inner];
        return bytes;
    }

    void parse_list(std::uint64_t offset, std::size_t depth) {
        const std::uint64_t count = counts_[depth];
        std::uint64_t end = offset + count * step(depth);
        const bool grows = depth == 0 && count == 0;
        lexer_.expect('{');
        if (lexer_.accept('}')) return;
        do {
            const bool nested = lexer_.token().is('{');
            if (nested && depth + 1 == counts_.size()) lexer_.unexpected("fewer braces in braces");
            const std::uint64_t bytes = nested ? step(depth) : element_bytes_;
            if (grows) {
                end = offset + bytes;
                if (end > most_bytes) lexer_.unexpected("a smaller variable");
                if (end > variable_.value.size()) variable_.value.resize(end);
            }
            if (offset + bytes > end) lexer_.unexpected("no more values than the variable has room for");
            if (nested) {
                parse_list(offset, depth + 1);
            } else {
                parse_element(offset);
            }
            offset += bytes;
        } while (lexer_.accept(','));
        lexer_.expect('}');
    }

    void parse_element(std::uint64_t offset) {
        const Constant value = parse_constant(lexer_);
        if (!value.name.empty()) {
            add_address(offset, value);
            return;
        }
        const std::uint64_t bits = bits_of(value);
        std::memcpy(variable_.value.data() + offset, &bits, std::min<std::size_t>(element_bytes_, sizeof bits));
    }

    std::uint64_t bits_of(const Constant& value) const {
        const bool real = type_ == Type::f32 || type_ == Type::f64;
        if (value.kind == Constant::Kind::integer) {
            if (!real) return value.bits;
            return encode(static_cast<double>(static_cast<std::int64_t>(value.bits)));
        }
        if (!real) {
            const bool fits = (value.kind == Constant::Kind::f32 && element_bytes_ == 4) ||
                              (value.kind == Constant::Kind::f64 && element_bytes_ == 8);
            if (!fits) lexer_.unexpected("no floating-point number for this type");
            return value.bits;
        }
        if (value.kind == Constant::Kind::f32) {
            if (type_ == Type::f32) return value.bits;
            return encode(std::bit_cast<float>(static_cast<std::uint32_t>(value.bits)));
        }
        return encode(std::bit_cast<double>(value.bits));
    }

    std::uint64_t encode(double value) const {
        if (type_ == Type::f32) return std::bit_cast<std::uint32_t>(static_cast<float>(value));
        return std::bit_cast<std::uint64_t>(value);
    }

    /// Either 8 bytes at once, or one byte after another: `0xFF(name), 0xFF00(name), ...`.
    void add_address(std::uint64_t offset, const Constant& value) {
        const auto addend = static_cast<std::int64_t>(value.bits);
        if (element_bytes_ == address_bytes && value.mask == 0) {
            variable_.addresses.push_back({.offset = offset, .name = value.name, .addend = addend});
            return;
        }
        for (std::uint64_t byte = 0; element_bytes_ == 1 && byte < address_bytes; ++byte) {
            if (value.mask != std::uint64_t{0xFF} << (8 * byte)) continue;
            if (byte == 0) {
                variable_.addresses.push_back({.offset = offset, .name = value.name, .addend = addend});
                return;
            }
            if (variable_.addresses.empty()) break;
            const Variable::Address& begun = variable_.addresses.back();
            if (begun.offset + byte == offset && begun.name == value.name && begun.addend == addend) return;
        }
        lexer_.unexpected("an address where 8 bytes are for it");
    }

    Lexer& lexer_;
    Type type_;
    std::uint32_t element_bytes_;
    std::vector<std::uint64_t> counts_;
    Variable& variable_;
};

/// The name, `[2][4]` and what it is initialised with.
Variable parse_variable(Lexer& lexer, const Declared& declared) {
    Variable variable;
    variable.space = declared.space;
    variable.alignment = declared.alignment;
    variable.name = lexer.take(Token::Kind::word, "the name of a variable");
    variable.bytes = declared.bytes;
    std::vector<std::uint64_t> counts;
    std::uint64_t extent = declared.bytes;  // takes an unknown count for 1
    while (lexer.accept('[')) {
        const bool counted = !lexer.token().is(']');
        if (!counted && !counts.empty()) lexer.unexpected("a number");
        if (counts.size() == most_dimensions) lexer.unexpected("fewer dimensions");
        counts.push_back(counted ? parse_count(lexer) : 0);
        if (counts.back() > most_bytes / extent) lexer.unexpected("a smaller variable");
        extent *= std::max<std::uint64_t>(counts.back(), 1);
        variable.bytes *= counts.back();
        lexer.expect(']');
    }
    if (lexer.accept('=')) Initializer(lexer, declared, std::move(counts), variable).parse();
    return variable;
}

}  // namespace

bool begins_declaration(const Token& token) { return parse_space(token).has_value(); }

Variable parse_parameter(Lexer& lexer) {
    if (!lexer.token().is_dotted("param")) lexer.unexpected("a .param");
    return parse_variable(lexer, parse_declared(lexer));
}

std::vector<Variable> parse_variables(Lexer& lexer) {
    const Declared declared = parse_declared(lexer);
    std::vector<Variable> variables;
    do {
        variables.push_back(parse_variable(lexer, declared));
    } while (lexer.accept(','));
    lexer.expect(';');
    return variables;
}

}  // namespace simcuda::ptx
