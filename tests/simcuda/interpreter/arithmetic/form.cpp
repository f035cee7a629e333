#include "interpreter/arithmetic/form.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace simcuda::interpreter {
namespace {

using ptx::Type;

struct Known {
    std::string_view name;
    Opcode opcode;
    int types;      ///< how many are written
    Flags allowed;  ///< of modifiers that are there or not
};

constexpr Flags float_flags = flag::ftz | flag::sat | flag::rounding;
constexpr Flags approx_flags = flag::ftz | flag::approx;

constexpr std::array known_opcodes = {
    Known{"abs", Opcode::abs, 1, flag::ftz},
    Known{"add", Opcode::add, 1, float_flags},
    Known{"and", Opcode::bit_and, 1, 0},
    Known{"bfe", Opcode::bfe, 1, 0},
    Known{"bfi", Opcode::bfi, 1, 0},
    Known{"bfind", Opcode::bfind, 1, flag::shift_amount},
    Known{"brev", Opcode::brev, 1, 0},
    Known{"clz", Opcode::clz, 1, 0},
    Known{"cnot", Opcode::cnot, 1, 0},
    Known{"copysign", Opcode::copysign, 1, 0},
    Known{"cos", Opcode::cos, 1, approx_flags},
    Known{"cvt", Opcode::cvt, 2, float_flags | flag::rounding_to_integer | flag::relu},
    Known{"div", Opcode::div, 1, flag::ftz | flag::approx | flag::full | flag::rounding},
    Known{"dp2a", Opcode::dp2a, 2, flag::lo | flag::hi},
    Known{"dp4a", Opcode::dp4a, 2, 0},
    Known{"ex2", Opcode::ex2, 1, approx_flags},
    Known{"fma", Opcode::fma, 1, float_flags | flag::relu},
    Known{"lg2", Opcode::lg2, 1, approx_flags},
    Known{"lop3", Opcode::lop3, 1, 0},
    Known{"mad", Opcode::mad, 1, float_flags | flag::lo | flag::hi | flag::wide},
    Known{"mad24", Opcode::mad24, 1, flag::lo | flag::hi | flag::sat},
    Known{"max", Opcode::max, 1, flag::ftz | flag::nan},
    Known{"min", Opcode::min, 1, flag::ftz | flag::nan},
    Known{"mov", Opcode::mov, 1, 0},
    Known{"mul", Opcode::mul, 1, float_flags | flag::lo | flag::hi | flag::wide},
    Known{"mul24", Opcode::mul24, 1, flag::lo | flag::hi},
    Known{"neg", Opcode::neg, 1, flag::ftz},
    Known{"not", Opcode::bit_not, 1, 0},
    Known{"or", Opcode::bit_or, 1, 0},
    Known{"popc", Opcode::popc, 1, 0},
    Known{"prmt", Opcode::prmt, 1, 0},
    Known{"rcp", Opcode::rcp, 1, flag::ftz | flag::approx | flag::rounding},
    Known{"rem", Opcode::rem, 1, 0},
    Known{"rsqrt", Opcode::rsqrt, 1, approx_flags},
    Known{"sad", Opcode::sad, 1, 0},
    Known{"selp", Opcode::selp, 1, 0},
    Known{"set", Opcode::set, 2, flag::ftz},
    Known{"setp", Opcode::setp, 1, flag::ftz},
    Known{"shf", Opcode::shf, 1, flag::left | flag::right | flag::wrap | flag::clamp},
    Known{"shl", Opcode::shl, 1, 0},
    Known{"shr", Opcode::shr, 1, 0},
    Known{"sin", Opcode::sin, 1, approx_flags},
    Known{"slct", Opcode::slct, 2, flag::ftz},
    Known{"sqrt", Opcode::sqrt, 1, flag::ftz | flag::approx | flag::rounding},
    Known{"sub", Opcode::sub, 1, float_flags},
    Known{"tanh", Opcode::tanh, 1, flag::approx},
    Known{"testp", Opcode::testp, 1, 0},
    Known{"xor", Opcode::bit_xor, 1, 0},
};

template <typename Value>
struct Word {
    std::string_view text;
    Value value;
};

/// The value of a modifier, or the one that stands for none.
template <typename Value, std::size_t count>
Value look_up(const std::array<Word<Value>, count>& words, std::string_view text) {
    const auto found = std::find_if(words.begin(), words.end(), [&](const auto& word) { return word.text == text; });
    return found == words.end() ? Value{} : found->value;
}

constexpr std::array<Word<Flags>, 14> flags = {{
    {"ftz", flag::ftz},
    {"sat", flag::sat},
    {"approx", flag::approx},
    {"full", flag::full},
    {"NaN", flag::nan},
    {"relu", flag::relu},
    {"lo", flag::lo},
    {"hi", flag::hi},
    {"wide", flag::wide},
    {"l", flag::left},
    {"r", flag::right},
    {"wrap", flag::wrap},
    {"clamp", flag::clamp},
    {"shiftamt", flag::shift_amount},
}};

constexpr std::array<Word<Rounding>, 8> roundings = {{
    {"rn", Rounding::nearest},
    {"rz", Rounding::zero},
    {"rm", Rounding::down},
    {"rp", Rounding::up},
    {"rni", Rounding::nearest},
    {"rzi", Rounding::zero},
    {"rmi", Rounding::down},
    {"rpi", Rounding::up},
}};

constexpr std::array<Word<Comparison>, 18> comparisons = {{
    {"eq", Comparison::eq},
    {"ne", Comparison::ne},
    {"lt", Comparison::lt},
    {"le", Comparison::le},
    {"gt", Comparison::gt},
    {"ge", Comparison::ge},
    {"lo", Comparison::lt},
    {"ls", Comparison::le},
    {"hi", Comparison::gt},
    {"hs", Comparison::ge},
    {"equ", Comparison::equ},
    {"neu", Comparison::neu},
    {"ltu", Comparison::ltu},
    {"leu", Comparison::leu},
    {"gtu", Comparison::gtu},
    {"geu", Comparison::geu},
    {"num", Comparison::num},
    {"nan", Comparison::nan},
}};

constexpr std::array<Word<Combine>, 3> combinations = {{
    {"and", Combine::by_and},
    {"or", Combine::by_or},
    {"xor", Combine::by_xor},
}};

constexpr std::array<Word<Mode>, 6> selectors = {{
    {"f4e", Mode::f4e},
    {"b4e", Mode::b4e},
    {"rc8", Mode::rc8},
    {"ecl", Mode::ecl},
    {"ecr", Mode::ecr},
    {"rc16", Mode::rc16},
}};

constexpr std::array<Word<Mode>, 6> properties = {{
    {"finite", Mode::finite},
    {"infinite", Mode::infinite},
    {"number", Mode::number},
    {"notanumber", Mode::notanumber},
    {"normal", Mode::normal},
    {"subnormal", Mode::subnormal},
}};

/// Puts one modifier that is no type into `form`; false where it has no meaning here or was there before.
bool read_modifier(std::string_view text, Form& form) {
    if (form.opcode == Opcode::set || form.opcode == Opcode::setp) {
        if (const Comparison comparison = look_up(comparisons, text); comparison != Comparison::none) {
            if (form.comparison != Comparison::none) return false;
            form.comparison = comparison;
            return true;
        }
        if (const Combine combine = look_up(combinations, text); combine != Combine::none) {
            if (form.combine != Combine::none) return false;
            form.combine = combine;
            return true;
        }
    }
    if (form.opcode == Opcode::prmt || form.opcode == Opcode::testp) {
        if (form.mode != Mode::none) return false;
        form.mode = form.opcode == Opcode::prmt ? look_up(selectors, text) : look_up(properties, text);
        return form.mode != Mode::none;
    }
    if (const Rounding rounding = look_up(roundings, text); rounding != Rounding::none) {
        if (form.rounding != Rounding::none) return false;
        form.rounding = rounding;
        form.flags |= text.size() == 3 ? flag::rounding_to_integer : flag::rounding;
        return true;
    }
    const Flags flag = look_up(flags, text);
    if (flag == 0 || form.has(flag)) return false;
    form.flags |= flag;
    return true;
}

Type widened(Type type) {
    switch (type) {
        case Type::u16:
            return Type::u32;
        case Type::s16:
            return Type::s32;
        case Type::u32:
            return Type::u64;
        case Type::s32:
            return Type::s64;
        default:
            return Type::none;
    }
}

Type part_type(Type type, int parts) {
    switch (ptx::bytes_of(type) / static_cast<std::uint32_t>(parts)) {
        case 1:
            return Type::b8;
        case 2:
            return Type::b16;
        case 4:
            return Type::b32;
        case 8:
            return Type::b64;
        default:
            return Type::none;
    }
}

}  // namespace

Form form_of(const ptx::Instruction& instruction) {
    const auto known = std::find_if(known_opcodes.begin(), known_opcodes.end(),
                                    [&](const Known& entry) { return entry.name == instruction.opcode; });
    if (known == known_opcodes.end() || instruction.operands.size() < 2) return {};
    Form form;
    form.opcode = known->opcode;
    int types = 0;
    for (const std::string& modifier : instruction.modifiers) {
        if (const Type type = ptx::parse_type(modifier); type != Type::none) {
            (types == 0 ? form.type : form.other_type) = type;
            ++types;
        } else if (!read_modifier(modifier, form)) {
            return {};
        }
    }
    if (types != known->types || (form.flags & ~known->allowed) != 0) return {};
    using Kind = ptx::Operand::Kind;
    const ptx::Operand& to = instruction.operands[0];
    const ptx::Operand& from = instruction.operands[1];
    form.sources = static_cast<std::uint8_t>(instruction.operands.size() - 1);
    if (to.kind == Kind::vector) {
        if (form.opcode == Opcode::mov) {
            form.unpacked = static_cast<std::uint8_t>(to.parts.size());
        } else if (to.parts.size() == 2) {
            form.two_results = true;
        } else {
            return {};
        }
    }
    if (from.kind == Kind::vector) {
        if (form.opcode != Opcode::mov || form.unpacked != 0) return {};
        form.packed = form.sources = static_cast<std::uint8_t>(from.parts.size());
    }
    return form;
}

Type source_type(const Form& form, int source) {
    switch (form.opcode) {
        case Opcode::shl:
        case Opcode::shr:
            return source == 1 ? Type::u32 : form.type;
        case Opcode::bfe:
            return source >= 1 ? Type::u32 : form.type;
        case Opcode::bfi:
            return source >= 2 ? Type::u32 : form.type;
        case Opcode::lop3:
            return source == 3 ? Type::u32 : form.type;
        case Opcode::mad:
            return source == 2 && form.has(flag::wide) ? widened(form.type) : form.type;
        case Opcode::selp:
            return source == 2 ? Type::pred : form.type;
        case Opcode::slct:
            return source == 2 ? form.other_type : form.type;
        case Opcode::set:
            return source == 2 ? Type::pred : form.other_type;
        case Opcode::setp:
            return source == 2 ? Type::pred : form.type;
        case Opcode::dp2a:
        case Opcode::dp4a:
            return source == 1 ? form.other_type : form.type;
        case Opcode::cvt:
            return form.other_type;
        case Opcode::mov:
            return form.packed != 0 ? part_type(form.type, form.packed) : form.type;
        default:
            return form.type;
    }
}

Type result_type(const Form& form) {
    switch (form.opcode) {
        case Opcode::mul:
        case Opcode::mad:
            return form.has(flag::wide) ? widened(form.type) : form.type;
        case Opcode::bfind:
        case Opcode::clz:
        case Opcode::popc:
            return Type::u32;
        case Opcode::setp:
        case Opcode::testp:
            return Type::pred;
        case Opcode::mov:
            return form.unpacked != 0 ? part_type(form.type, form.unpacked) : form.type;
        case Opcode::dp2a:
        case Opcode::dp4a:
            return form.type == Type::u32 && form.other_type == Type::u32 ? Type::u32 : Type::s32;
        default:
            return form.type;
    }
}

}  // namespace simcuda::interpreter
