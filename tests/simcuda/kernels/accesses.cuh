#pragma once

#include <algorithm>
#include <cstring>

#include "simcuda/kernels/instruction_check.hpp"
#include "simcuda/kernels/numbers.hpp"
#include "simcuda/kernels/on_card.hpp"

/// What the checks of loads and of stores share: every thread has 48 bytes of global, shared or local memory to itself,
/// and the instruction uses those from the 16th on.
namespace gpushard::test {

enum class Place { global, shared, local };

inline constexpr int access_threads = 96;
inline constexpr int slot_bytes = 48;
inline constexpr int slot_offset = 16;

#define ACCESS_REGISTER_u16 "h"
#define ACCESS_REGISTER_s16 "h"
#define ACCESS_REGISTER_u32 "r"
#define ACCESS_REGISTER_s32 "r"
#define ACCESS_REGISTER_u64 "l"
#define ACCESS_REGISTER_s64 "l"
#define ACCESS_REGISTER_f32 "f"

#define ADDRESS_global(pointer) "l"(__cvta_generic_to_global(pointer))
#define ADDRESS_shared(pointer) "r"(static_cast<u32>(__cvta_generic_to_shared(pointer)))
#define ADDRESS_local(pointer) "l"(__cvta_generic_to_local(pointer))
#define ADDRESS_generic(pointer) "l"(pointer)

/// The bits of a register, with the sign of signed ones.
template <typename T>
__host__ __device__ u64 bits_in(T value) {
    if constexpr (std::is_same_v<T, f32>) {
        return __builtin_bit_cast(u32, value);
    } else {
        return static_cast<u64>(value);
    }
}
template <typename T>
__host__ __device__ T from_bits(u64 bits) {
    if constexpr (std::is_same_v<T, f32>) {
        return __builtin_bit_cast(f32, static_cast<u32>(bits));
    } else {
        return static_cast<T>(bits);
    }
}

inline std::vector<u8> random_bytes(std::size_t count) {
    Random random(count);
    std::vector<u8> bytes(count);
    for (u8& byte : bytes) byte = static_cast<u8>(random());
    return bytes;
}

#define ACCESS_JOINED_(left, right) left##right
#define ACCESS_JOINED(left, right) ACCESS_JOINED_(left, right)
#define ACCESS_NAME ACCESS_JOINED(Access, __LINE__)

}  // namespace gpushard::test
