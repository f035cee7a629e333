// Stores: every width, space and vector, and that the bytes beside stay as they were.
#include "simcuda/kernels/accesses.cuh"

namespace gpushard::test {
namespace {

std::vector<InstructionCheck>& checks() {
    static std::vector<InstructionCheck> all;
    return all;
}

constexpr u8 untouched = 0xa5;

template <typename Store, Place place>
__global__ void store_all(const u64* values, u8* to) {
    __shared__ alignas(16) u8 in_shared[access_threads * slot_bytes];
    alignas(16) u8 in_local[slot_bytes];
    const int thread = static_cast<int>(threadIdx.x);
    u8* const in_global = to + thread * slot_bytes;
    u8* slot = in_global;
    if constexpr (place == Place::shared) slot = in_shared + thread * slot_bytes;
    if constexpr (place == Place::local) slot = in_local;
    for (int i = 0; i < slot_bytes; ++i) slot[i] = untouched;
    Store::apply(slot, values + thread * Store::count);
    if constexpr (place != Place::global) {
        for (int i = 0; i < slot_bytes; ++i) in_global[i] = static_cast<volatile u8*>(slot)[i];
    }
}

template <typename Store, Place place>
std::string mismatch_of() {
    Random random(7);
    std::vector<u64> values(access_threads * Store::count);
    for (u64& value : values) value = random();
    const OnCard<u64> from(values);
    const OnCard<u8> to(access_threads * slot_bytes);
    store_all<Store, place><<<1, access_threads>>>(from.data(), to.data());
    std::vector<u8> expected(access_threads * slot_bytes, untouched);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto element = static_cast<typename Store::Bits>(values[i]);
        u8* const slot = expected.data() + i / Store::count * slot_bytes;
        std::memcpy(slot + slot_offset + i % Store::count * sizeof element, &element, sizeof element);
    }
    const std::vector<u8> found = to.values();
    for (std::size_t i = 0; i < expected.size(); ++i) {
        if (found[i] != expected[i]) {
            return "byte " + std::to_string(i % slot_bytes) + " of thread " + std::to_string(i / slot_bytes) + " is " +
                   text_of(found[i]) + ", expected " + text_of(expected[i]);
        }
    }
    return "";
}

#define IS_CHECKED(SPELLED, PLACE)                                    \
    [[maybe_unused]] const bool ACCESS_JOINED(checked, __COUNTER__) = \
        (checks().push_back({SPELLED, &mismatch_of<ACCESS_NAME, Place::PLACE>}), true);
#define IN_global(SPELLED) IS_CHECKED(SPELLED, global)
#define IN_shared(SPELLED) IS_CHECKED(SPELLED, shared)
#define IN_local(SPELLED) IS_CHECKED(SPELLED, local)
#define IN_generic(SPELLED) IN_global(SPELLED) IN_shared(SPELLED) IN_local(SPELLED)

// STORE_n(spelled, space, bits in memory, type of the register)
#define STORE_1(SPELLED, SPACE, BITS, R)                                                       \
    struct ACCESS_NAME {                                                                       \
        using Bits = BITS;                                                                     \
        static constexpr int count = 1;                                                        \
        static __device__ void apply(u8* slot, const u64* values) {                            \
            asm volatile(SPELLED " [%0+16], %1;"                                               \
                         :                                                                     \
                         : ADDRESS_##SPACE(slot), ACCESS_REGISTER_##R(from_bits<R>(values[0])) \
                         : "memory");                                                          \
        }                                                                                      \
    };                                                                                         \
    IN_##SPACE(SPELLED)
#define STORE_2(SPELLED, SPACE, BITS, R)                                                        \
    struct ACCESS_NAME {                                                                        \
        using Bits = BITS;                                                                      \
        static constexpr int count = 2;                                                         \
        static __device__ void apply(u8* slot, const u64* values) {                             \
            asm volatile(SPELLED " [%0+16], {%1, %2};"                                          \
                         :                                                                      \
                         : ADDRESS_##SPACE(slot), ACCESS_REGISTER_##R(from_bits<R>(values[0])), \
                           ACCESS_REGISTER_##R(from_bits<R>(values[1]))                         \
                         : "memory");                                                           \
        }                                                                                       \
    };                                                                                          \
    IN_##SPACE(SPELLED)
#define STORE_4(SPELLED, SPACE, BITS, R)                                                                               \
    struct ACCESS_NAME {                                                                                               \
        using Bits = BITS;                                                                                             \
        static constexpr int count = 4;                                                                                \
        static __device__ void apply(u8* slot, const u64* values) {                                                    \
            asm volatile(SPELLED " [%0+16], {%1, %2, %3, %4};"                                                         \
                         :                                                                                             \
                         : ADDRESS_##SPACE(slot), ACCESS_REGISTER_##R(from_bits<R>(values[0])),                        \
                           ACCESS_REGISTER_##R(from_bits<R>(values[1])), ACCESS_REGISTER_##R(from_bits<R>(values[2])), \
                           ACCESS_REGISTER_##R(from_bits<R>(values[3]))                                                \
                         : "memory");                                                                                  \
        }                                                                                                              \
    };                                                                                                                 \
    IN_##SPACE(SPELLED)

STORE_1("st.u8", generic, u8, u16)
STORE_1("st.u16", generic, u16, u16)
STORE_1("st.u32", generic, u32, u32)
STORE_1("st.u64", generic, u64, u64)
STORE_1("st.f32", generic, u32, f32)
STORE_4("st.v4.u32", generic, u32, u32)

STORE_1("st.global.u8", global, u8, u16)
STORE_1("st.global.u8", global, u8, u32)
STORE_1("st.global.u16", global, u16, u16)
STORE_1("st.global.u32", global, u32, u32)
STORE_1("st.global.u64", global, u64, u64)
STORE_1("st.global.f32", global, u32, f32)
STORE_2("st.global.v2.u32", global, u32, u32)
STORE_4("st.global.v4.f32", global, u32, f32)
STORE_4("st.global.v4.u32", global, u32, u32)

STORE_1("st.shared.u8", shared, u8, u16)
STORE_1("st.shared.u16", shared, u16, u16)
STORE_1("st.shared.u32", shared, u32, u32)
STORE_1("st.shared.u64", shared, u64, u64)
STORE_1("st.shared.f32", shared, u32, f32)
STORE_2("st.shared.v2.u32", shared, u32, u32)
STORE_4("st.shared.v4.f32", shared, u32, f32)

STORE_1("st.local.u8", local, u8, u16)
STORE_1("st.local.u32", local, u32, u32)
STORE_1("st.local.u64", local, u64, u64)
STORE_2("st.local.v2.u32", local, u32, u32)

STORE_1("st.volatile.global.u32", global, u32, u32)
STORE_1("st.volatile.shared.u32", shared, u32, u32)
STORE_2("st.relaxed.gpu.v2.u32", generic, u32, u32)

}  // namespace

const std::vector<InstructionCheck>& store_checks() { return checks(); }

}  // namespace gpushard::test
