#include "interpreter/arithmetic/slots.hpp"

namespace simcuda::interpreter::SIMCUDA_ARITHMETIC {
namespace {

template <typename To, typename From>
SIMCUDA_INLINE To clamped(From value) {
    if constexpr (Integer<From>::is_signed) {
        if (value < 0) {
            if constexpr (Integer<To>::is_signed) {
                return S64{value} < S64{Integer<To>::lowest} ? Integer<To>::lowest : static_cast<To>(value);
            } else {
                return 0;
            }
        }
    }
    constexpr U64 highest = static_cast<U64>(Integer<To>::highest);
    return static_cast<U64>(value) > highest ? Integer<To>::highest : static_cast<To>(value);
}

template <typename To, typename From, bool sat>
typename To::Register convert(typename From::Register raw) {
    const typename From::Type value = From::read(raw);
    if constexpr (sat) return To::written(clamped<typename To::Type>(value));
    return To::written(static_cast<typename To::Type>(value));
}

template <bool sat>
Apply conversion(const Form& form) {
    return with_slot(form.type, form.to_bytes, [&]<typename To>(To) -> Apply {
        return with_slot(form.other_type, form.from_bytes,
                         []<typename From>(From) -> Apply { return Lanes<&convert<To, From, sat>, sat>::apply; });
    });
}

}  // namespace

Apply integer_conversion(const Form& form) {
    if (form.opcode != Opcode::cvt || form.sources != 1) return nullptr;
    if (form.flags == flag::sat) return conversion<true>(form);
    return form.flags == 0 ? conversion<false>(form) : nullptr;
}

}  // namespace simcuda::interpreter::SIMCUDA_ARITHMETIC
