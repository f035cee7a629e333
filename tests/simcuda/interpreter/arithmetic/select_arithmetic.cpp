#include <array>

#include "interpreter/arithmetic/form.hpp"

namespace simcuda::interpreter {
namespace {

using Family = Apply (*)(const Form&);
using Families = std::array<Family, 10>;

#define SIMCUDA_FAMILIES(target)                                                                                    \
    Families {                                                                                                      \
        target::integer_operation, target::bit_operation, target::float_operation, target::half_operation,          \
            target::comparison, target::move, target::integer_conversion, target::to_integer, target::from_integer, \
            target::float_conversion                                                                                \
    }

const Families& families(Target target) {
    static const Families baseline_families = SIMCUDA_FAMILIES(baseline);
#ifdef SIMCUDA_ARITHMETIC_AVX2
    static const Families avx2_families = SIMCUDA_FAMILIES(avx2);
    if (target == Target::avx2) return avx2_families;
#endif
    (void)target;
    return baseline_families;
}

/// Whether the registers are as wide as the types of the instruction; cvt and mov take wider ones.
bool widths_fit(const Form& form, ptx::Type to_type, const ptx::Type* source_types) {
    const bool may_be_wider = form.opcode == Opcode::cvt || form.opcode == Opcode::mov;
    const auto fits = [&](ptx::Type declared, ptx::Type type) {
        const std::uint32_t bytes = lane_bytes(declared);
        const std::uint32_t needed = lane_bytes(type);
        return bytes == needed || (may_be_wider && needed != 0 && bytes > needed);
    };
    for (int source = 0; source < form.sources; ++source) {
        if (!fits(source_types[source], source_type(form, source))) return false;
    }
    return form.unpacked != 0 || fits(to_type, result_type(form));
}

}  // namespace

bool has_target(Target target) {
    if (target == Target::baseline) return true;
#ifdef SIMCUDA_ARITHMETIC_AVX2
    static const bool supported =
        __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    return supported;
#else
    return false;
#endif
}

Apply select_for(Target target, const ptx::Instruction& instruction, ptx::Type to_type, const ptx::Type* source_types,
                 int source_count) {
    Form form = form_of(instruction);
    if (form.opcode == Opcode::none || form.sources != source_count || source_count > 4) return nullptr;
    if (!widths_fit(form, to_type, source_types)) return nullptr;
    form.bytes = lane_bytes(form.type);
    form.other_bytes = lane_bytes(form.other_type);
    form.to_bytes = lane_bytes(to_type);
    form.from_bytes = lane_bytes(source_types[0]);
    for (const Family family : families(target)) {
        if (const Apply apply = family(form)) return apply;
    }
    return nullptr;
}

Apply select_arithmetic(const ptx::Instruction& instruction, ptx::Type to_type, const ptx::Type* source_types,
                        int source_count) {
    const Target target = has_target(Target::avx2) ? Target::avx2 : Target::baseline;
    return select_for(target, instruction, to_type, source_types, source_count);
}

std::uint8_t operation_variant(const ptx::Instruction& instruction) {
    return static_cast<std::uint8_t>(form_of(instruction).combine);
}

ptx::Type immediate_type(const ptx::Instruction& instruction, int source) {
    const Form form = form_of(instruction);
    return form.opcode == Opcode::none ? ptx::Type::none : source_type(form, source);
}

}  // namespace simcuda::interpreter
