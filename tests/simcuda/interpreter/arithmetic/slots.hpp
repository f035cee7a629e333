#pragma once

#include "interpreter/arithmetic/integers.hpp"

namespace simcuda::interpreter::SIMCUDA_ARITHMETIC {

/// An integer in a register that may be wider.
template <typename T, typename Register_>
struct Slot {
    using Type = T;
    using Register = Register_;
    SIMCUDA_INLINE static T read(Register value) { return static_cast<T>(value); }
    /// Extended by the sign of the type.
    SIMCUDA_INLINE static Register written(T value) { return static_cast<Register>(value); }
};

template <typename T, typename Visit>
Apply with_register(std::uint32_t bytes, const Visit& visit) {
    if constexpr (sizeof(T) <= 2) {
        if (bytes == 2) return visit(Slot<T, U16>{});
    }
    if constexpr (sizeof(T) <= 4) {
        if (bytes == 4) return visit(Slot<T, U32>{});
    }
    return bytes == 8 ? visit(Slot<T, U64>{}) : nullptr;
}

/// visit(Slot) for an integer type in a register of that many bytes; null for other types.
template <typename Visit>
Apply with_slot(ptx::Type type, std::uint32_t bytes, const Visit& visit) {
    switch (type) {
        case ptx::Type::u8:
            return with_register<U8>(bytes, visit);
        case ptx::Type::s8:
            return with_register<S8>(bytes, visit);
        case ptx::Type::u16:
            return with_register<U16>(bytes, visit);
        case ptx::Type::s16:
            return with_register<S16>(bytes, visit);
        case ptx::Type::u32:
            return with_register<U32>(bytes, visit);
        case ptx::Type::s32:
            return with_register<S32>(bytes, visit);
        case ptx::Type::u64:
            return with_register<U64>(bytes, visit);
        case ptx::Type::s64:
            return with_register<S64>(bytes, visit);
        default:
            return nullptr;
    }
}

}  // namespace simcuda::interpreter::SIMCUDA_ARITHMETIC
