// Loads: every width, space and vector, and what a register wider than the value holds afterwards.
#include "simcuda/kernels/accesses.cuh"

namespace gpushard::test {
namespace {

std::vector<InstructionCheck>& checks() {
    static std::vector<InstructionCheck> all;
    return all;
}

template <typename Load, Place place>
__global__ void load_all(const u8* bytes, u64* to) {
    __shared__ alignas(16) u8 shared_copy[access_threads * slot_bytes];
    alignas(16) u8 local_copy[slot_bytes];
    const int thread = static_cast<int>(threadIdx.x);
    const u8* slot = bytes + thread * slot_bytes;
    if constexpr (place == Place::shared) {
        for (int i = thread; i < access_threads * slot_bytes; i += access_threads) shared_copy[i] = bytes[i];
        __syncthreads();
        slot = shared_copy + thread * slot_bytes;
    }
    if constexpr (place == Place::local) {
        for (int i = 0; i < slot_bytes; ++i) local_copy[i] = slot[i];
        slot = local_copy;
    }
    u64 values[4] = {};
    Load::apply(slot, values);
    for (int i = 0; i < Load::count; ++i) to[thread * Load::count + i] = values[i];
}

template <typename Load, Place place>
std::string mismatch_of() {
    const std::vector<u8> bytes = random_bytes(access_threads * slot_bytes);
    const OnCard<u8> from(bytes);
    const OnCard<u64> to(access_threads * Load::count);
    load_all<Load, place><<<1, access_threads>>>(from.data(), to.data());
    const std::vector<u64> found = to.values();
    for (int thread = 0; thread < access_threads; ++thread) {
        for (int i = 0; i < Load::count; ++i) {
            typename Load::Element element;
            std::memcpy(&element, bytes.data() + thread * slot_bytes + Load::offset + i * sizeof element,
                        sizeof element);
            const u64 expected = bits_in(static_cast<typename Load::InRegister>(element));
            const u64 is = found[static_cast<std::size_t>(thread * Load::count + i)];
            if (is != expected) {
                return "value " + std::to_string(i) + " of thread " + std::to_string(thread) + " is " + text_of(is) +
                       ", expected " + text_of(expected);
            }
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

// LOAD_n(spelled, space, type in memory, type of the register)
#define LOAD_FROM(SPELLED, SPACE, T, R, TEXT, OFFSET)                                                   \
    struct ACCESS_NAME {                                                                                \
        using Element = T;                                                                              \
        using InRegister = R;                                                                           \
        static constexpr int count = 1;                                                                 \
        static constexpr int offset = OFFSET;                                                           \
        static __device__ void apply(const u8* slot, u64* values) {                                     \
            R a;                                                                                        \
            asm volatile(SPELLED TEXT : "=" ACCESS_REGISTER_##R(a) : ADDRESS_##SPACE(slot) : "memory"); \
            values[0] = bits_in(a);                                                                     \
        }                                                                                               \
    };                                                                                                  \
    IN_##SPACE(SPELLED)
#define LOAD_1(SPELLED, SPACE, T, R) LOAD_FROM(SPELLED, SPACE, T, R, " %0, [%1+16];", 16)
#define LOAD_1_BRACED(SPELLED, SPACE, T, R) LOAD_FROM(SPELLED, SPACE, T, R, " {%0}, [%1 + 16];", 16)
#define LOAD_2(SPELLED, SPACE, T)                                                 \
    struct ACCESS_NAME {                                                          \
        using Element = T;                                                        \
        using InRegister = T;                                                     \
        static constexpr int count = 2;                                           \
        static constexpr int offset = slot_offset;                                \
        static __device__ void apply(const u8* slot, u64* values) {               \
            T a, b;                                                               \
            asm volatile(SPELLED " {%0, %1}, [%2+16];"                            \
                         : "=" ACCESS_REGISTER_##T(a), "=" ACCESS_REGISTER_##T(b) \
                         : ADDRESS_##SPACE(slot)                                  \
                         : "memory");                                             \
            values[0] = bits_in(a), values[1] = bits_in(b);                       \
        }                                                                         \
    };                                                                            \
    IN_##SPACE(SPELLED)
#define LOAD_4(SPELLED, SPACE, T)                                                                              \
    struct ACCESS_NAME {                                                                                       \
        using Element = T;                                                                                     \
        using InRegister = T;                                                                                  \
        static constexpr int count = 4;                                                                        \
        static constexpr int offset = slot_offset;                                                             \
        static __device__ void apply(const u8* slot, u64* values) {                                            \
            T a, b, c, d;                                                                                      \
            asm volatile(SPELLED " {%0, %1, %2, %3}, [%4+16];"                                                 \
                         : "=" ACCESS_REGISTER_##T(a), "=" ACCESS_REGISTER_##T(b), "=" ACCESS_REGISTER_##T(c), \
                           "=" ACCESS_REGISTER_##T(d)                                                          \
                         : ADDRESS_##SPACE(slot)                                                               \
                         : "memory");                                                                          \
            values[0] = bits_in(a), values[1] = bits_in(b), values[2] = bits_in(c), values[3] = bits_in(d);    \
        }                                                                                                      \
    };                                                                                                         \
    IN_##SPACE(SPELLED)

LOAD_1("ld.u8", generic, u8, u16)
LOAD_1("ld.s8", generic, s8, s16)
LOAD_1("ld.u16", generic, u16, u16)
LOAD_1("ld.u32", generic, u32, u32)
LOAD_1("ld.s32", generic, s32, s64)
LOAD_1("ld.u64", generic, u64, u64)
LOAD_1("ld.f32", generic, f32, f32)
LOAD_FROM("ld.f32", generic, f32, f32, " %0, [%1];", 0)
LOAD_2("ld.v2.u32", generic, u32)
LOAD_4("ld.v4.u32", generic, u32)

LOAD_1("ld.global.u8", global, u8, u16)
LOAD_1("ld.global.u8", global, u8, u32)
LOAD_1("ld.global.s8", global, s8, s16)
LOAD_1("ld.global.u16", global, u16, u16)
LOAD_1("ld.global.u32", global, u32, u32)
LOAD_1("ld.global.s32", global, s32, s64)
LOAD_1("ld.global.u64", global, u64, u64)
LOAD_1("ld.global.f32", global, f32, f32)
LOAD_FROM("ld.global.u32", global, u32, u32, " %0, [%1];", 0)
LOAD_4("ld.global.v4.u32", global, u32)
LOAD_4("ld.global.v4.f32", global, f32)
LOAD_2("ld.global.v2.u64", global, u64)
LOAD_1("ld.global.nc.u8", global, u8, u32)
LOAD_1("ld.global.nc.f32", global, f32, f32)
LOAD_1("ld.global.nc.u32", global, u32, u32)

LOAD_1_BRACED("ld.global.cs.u8", global, u8, u32)
LOAD_1_BRACED("ld.global.cs.u16", global, u16, u32)
LOAD_1_BRACED("ld.global.cs.u32", global, u32, u32)
LOAD_2("ld.global.cs.v2.u32", global, u32)
LOAD_4("ld.global.cs.v4.u32", global, u32)
LOAD_1_BRACED("ld.global.cs.nc.u32", global, u32, u32)
LOAD_2("ld.global.cs.nc.v2.u32", global, u32)
LOAD_4("ld.global.cs.nc.v4.u32", global, u32)

LOAD_1("ld.volatile.global.u32", global, u32, u32)
LOAD_1("ld.volatile.shared.u32", shared, u32, u32)
LOAD_2("ld.relaxed.gpu.v2.u32", generic, u32)

LOAD_1("ld.shared.u8", shared, u8, u16)
LOAD_1("ld.shared.u16", shared, u16, u16)
LOAD_1("ld.shared.u32", shared, u32, u32)
LOAD_1("ld.shared.u64", shared, u64, u64)
LOAD_1("ld.shared.f32", shared, f32, f32)
LOAD_2("ld.shared.v2.u32", shared, u32)
LOAD_2("ld.shared.v2.f32", shared, f32)
LOAD_4("ld.shared.v4.u32", shared, u32)
LOAD_4("ld.shared.v4.f32", shared, f32)

LOAD_1("ld.local.u8", local, u8, u16)
LOAD_1("ld.local.u32", local, u32, u32)
LOAD_1("ld.local.u64", local, u64, u64)
LOAD_2("ld.local.v2.u32", local, u32)

/// A shared address made generic.
struct ThroughGenericAddress {
    using Element = f32;
    using InRegister = f32;
    static constexpr int count = 1;
    static constexpr int offset = slot_offset;
    static __device__ void apply(const u8* slot, u64* values) {
        const u64 in_shared = __cvta_generic_to_shared(slot);
        f32 a;
        asm volatile("{.reg .u64 at; cvta.shared.u64 at, %1; ld.f32 %0, [at+16];}"
                     : "=f"(a)
                     : "l"(in_shared)
                     : "memory");
        values[0] = bits_in(a);
    }
};
[[maybe_unused]] const bool generic_addresses_are_checked =
    (checks().push_back({"cvta.shared.u64", &mismatch_of<ThroughGenericAddress, Place::shared>}), true);

/// Behind the address in the register, and before it.
struct BeforeTheAddress {
    using Element = u32;
    using InRegister = u32;
    static constexpr int count = 2;
    static constexpr int offset = 8;
    static __device__ void apply(const u8* slot, u64* values) {
        u32 a, b;
        asm volatile("ld.global.u32 %0, [%2+-12]; ld.global.u32 %1, [%2+-8];"
                     : "=r"(a), "=r"(b)
                     : "l"(__cvta_generic_to_global(slot + 20))
                     : "memory");
        values[0] = a, values[1] = b;
    }
};
[[maybe_unused]] const bool negative_offsets_are_checked =
    (checks().push_back({"ld.global.u32", &mismatch_of<BeforeTheAddress, Place::global>}), true);

/// Not all threads load.
struct Guarded {
    using Element = u32;
    using InRegister = u32;
    static constexpr int count = 1;
    static constexpr int offset = slot_offset;
    static __device__ void apply(const u8* slot, u64* values) {
        u32 a = 0;
        asm volatile(
            "{.reg .pred p; setp.lt.u32 p, %2, 40; @p ld.global.u32 %0, [%1+16]; @!p ld.global.u32 %0, [%1+16];}"
            : "+r"(a)
            : "l"(__cvta_generic_to_global(slot)), "r"(threadIdx.x)
            : "memory");
        values[0] = a;
    }
};
[[maybe_unused]] const bool guards_are_checked =
    (checks().push_back({"ld.global.u32", &mismatch_of<Guarded, Place::global>}), true);

struct alignas(8) Parameters {
    u32 first;
    u32 second;
    s8 small;
    f32 number;
    u64 large;
};

// The names of parameters are those of the kernel, so it has one that is not mangled.
extern "C" __global__ void simcuda_load_parameters(s8 small, f32 number, u32 whole, u64 large, Parameters all,
                                                   u64* to) {
    s16 a;
    f32 b;
    u32 c, e, f;
    u64 d;
    asm volatile("ld.param.s8 %0, [simcuda_load_parameters_param_0];" : "=h"(a));
    asm volatile("ld.param.f32 %0, [simcuda_load_parameters_param_1];" : "=f"(b));
    asm volatile("ld.param.u32 %0, [simcuda_load_parameters_param_2];" : "=r"(c));
    asm volatile("ld.param.u64 %0, [simcuda_load_parameters_param_3];" : "=l"(d));
    asm volatile("ld.param.v2.u32 {%0, %1}, [simcuda_load_parameters_param_4];" : "=r"(e), "=r"(f));
    to[0] = static_cast<u64>(s64{a}), to[1] = bits_in(b), to[2] = c, to[3] = d, to[4] = e, to[5] = f;
    asm volatile("ld.param.s8 %0, [simcuda_load_parameters_param_4+8];" : "=h"(a));
    asm volatile("ld.param.f32 %0, [simcuda_load_parameters_param_4+12];" : "=f"(b));
    asm volatile("ld.param.u64 %0, [simcuda_load_parameters_param_4+16];" : "=l"(d));
    to[6] = static_cast<u64>(s64{a}), to[7] = bits_in(b), to[8] = d;
    // The compiler's own reading of the same.
    to[9] = static_cast<u64>(s64{small}), to[10] = bits_in(number), to[11] = whole + large + all.first + all.second;
}

std::string mismatch_of_parameters() {
    const OnCard<u64> to(12);
    const Parameters all{11, 4000000012, -13, 1.5f, 0xfedcba9876543210};
    simcuda_load_parameters<<<1, 1>>>(-7, -2.25f, 3000000000, 1ULL << 40, all, to.data());
    const std::vector<u64> expected{static_cast<u64>(-7),
                                    bits_in(-2.25f),
                                    3000000000,
                                    1ULL << 40,
                                    11,
                                    4000000012,
                                    static_cast<u64>(-13),
                                    bits_in(1.5f),
                                    0xfedcba9876543210,
                                    static_cast<u64>(-7),
                                    bits_in(-2.25f),
                                    3000000000 + (1ULL << 40) + (11U + 4000000012U)};
    const std::vector<u64> found = to.values();
    for (std::size_t i = 0; i < expected.size(); ++i) {
        if (found[i] != expected[i]) return std::to_string(i) + " is " + text_of(found[i]);
    }
    return "";
}
[[maybe_unused]] const bool parameters_are_checked =
    (checks().push_back({"ld.param.v2.u32", &mismatch_of_parameters}), true);

/// An array among the parameters, which the kernel indexes.
struct Sizes {
    s32 of[7];
};
__global__ void index_parameters(Sizes sizes, s32* to) { to[threadIdx.x] = sizes.of[(threadIdx.x * 3) % 7]; }
std::string mismatch_of_indexed_parameters() {
    const OnCard<s32> to(32);
    index_parameters<<<1, 32>>>({{10, 11, 12, 13, 14, 15, -16}}, to.data());
    const std::vector<s32> found = to.values();
    for (int i = 0; i < 32; ++i) {
        const int place = i * 3 % 7;
        if (found[static_cast<std::size_t>(i)] != (place == 6 ? -16 : 10 + place))
            return "of thread " + std::to_string(i);
    }
    return "";
}
[[maybe_unused]] const bool indexed_parameters_are_checked =
    (checks().push_back({"mov.b64", &mismatch_of_indexed_parameters}), true);

}  // namespace

const std::vector<InstructionCheck>& load_checks() { return checks(); }

}  // namespace gpushard::test
