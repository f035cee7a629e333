// Atomic operations, which Faiss has none of: alone on an address, and many threads on one.
#include "simcuda/kernels/accesses.cuh"

namespace gpushard::test {
namespace {

std::vector<InstructionCheck>& checks() {
    static std::vector<InstructionCheck> all;
    return all;
}

constexpr unsigned blocks = 3;
constexpr unsigned threads_of_block = 80;
constexpr unsigned threads = blocks * threads_of_block;

/// Each thread has a value of its own, in shared memory or in global; then all of them use one more.
template <typename Atomic, bool in_shared>
__global__ void use_all(const typename Atomic::Type* operands, typename Atomic::Type* own, typename Atomic::Type* old,
                        typename Atomic::Type* common) {
    using T = typename Atomic::Type;
    const unsigned thread = blockIdx.x * threads_of_block + threadIdx.x;
    if constexpr (in_shared) {
        __shared__ T values[threads_of_block];
        __shared__ T common_of_block;
        values[threadIdx.x] = own[thread];
        if (threadIdx.x == 0) common_of_block = common[blockIdx.x];
        __syncthreads();
        old[thread] = Atomic::apply_in_shared(&values[threadIdx.x], operands[thread]);
        Atomic::apply_in_shared(&common_of_block, operands[thread]);
        __syncthreads();
        own[thread] = values[threadIdx.x];
        if (threadIdx.x == 0) common[blockIdx.x] = common_of_block;
    } else {
        old[thread] = Atomic::apply(&own[thread], operands[thread]);
        Atomic::apply(&common[blockIdx.x], operands[thread]);
    }
}

template <typename Atomic, bool in_shared>
std::string mismatch_of() {
    using T = typename Atomic::Type;
    Random random(99);
    std::vector<T> operands(threads);
    std::vector<T> own(threads);
    for (unsigned i = 0; i < threads; ++i) {
        // Floats that add up without rounding, in any order.
        operands[i] = static_cast<T>(std::is_same_v<T, f32> ? random() % 1000 : random());
        own[i] = static_cast<T>(std::is_same_v<T, f32> ? random() % 1000 : random());
    }
    const std::vector<T> common(blocks, Atomic::first);
    const OnCard<T> operands_there(operands);
    const OnCard<T> own_there(own);
    const OnCard<T> old_there(threads);
    const OnCard<T> common_there(common);
    use_all<Atomic, in_shared>
        <<<blocks, threads_of_block>>>(operands_there.data(), own_there.data(), old_there.data(), common_there.data());
    const std::vector<T> own_found = own_there.values();
    const std::vector<T> old_found = old_there.values();
    const std::vector<T> common_found = common_there.values();
    for (unsigned i = 0; i < threads; ++i) {
        const T expected = Atomic::expect(own[i], operands[i]);
        if (own_found[i] != expected || (Atomic::tells && old_found[i] != own[i])) {
            return "of " + text_of(own[i]) + " and " + text_of(operands[i]) + " is " + text_of(own_found[i]) +
                   ", expected " + text_of(expected) + "; before it " + text_of(old_found[i]);
        }
    }
    for (unsigned block = 0; block < blocks && Atomic::any_order; ++block) {
        T expected = Atomic::first;
        for (unsigned i = 0; i < threads_of_block; ++i) {
            expected = Atomic::expect(expected, operands[block * threads_of_block + i]);
        }
        if (common_found[block] != expected) {
            return "all: " + text_of(common_found[block]) + ", expected " + text_of(expected);
        }
    }
    return "";
}

/// `first`: what the value that all threads use begins with.
#define ATOMIC_STRUCT(PREFIX, NAME, T, FIRST, ANY_ORDER, TELLS, GLOBAL, SHARED, ...)       \
    struct PREFIX##_##NAME##_##T {                                                         \
        using Type = T;                                                                    \
        static constexpr T first = FIRST;                                                  \
        static constexpr bool any_order = ANY_ORDER;                                       \
        static constexpr bool tells = TELLS;                                               \
        static __device__ T apply(T* at, T b) {                                            \
            T r{};                                                                         \
            GLOBAL;                                                                        \
            return r;                                                                      \
        }                                                                                  \
        static __device__ T apply_in_shared(T* at, T b) {                                  \
            T r{};                                                                         \
            SHARED;                                                                        \
            return r;                                                                      \
        }                                                                                  \
        static T expect(T a, [[maybe_unused]] T b) { return static_cast<T>(__VA_ARGS__); } \
    };
// ATOMIC(name, type as spelled, type, first value, whether the order of threads is the same, new value of a by b)
#define ATOMIC(NAME, SPELLED, T, FIRST, ANY_ORDER, ...)                                                  \
    ATOMIC_STRUCT(atom, NAME, T, FIRST, ANY_ORDER, true,                                                 \
                  asm volatile("atom.global." #NAME "." SPELLED " %0, [%1], %2;"                         \
                               : "=" ACCESS_REGISTER_##T(r)                                              \
                               : ADDRESS_global(at), ACCESS_REGISTER_##T(b)                              \
                               : "memory"),                                                              \
                  asm volatile("atom.shared." #NAME "." SPELLED " %0, [%1], %2;"                         \
                               : "=" ACCESS_REGISTER_##T(r)                                              \
                               : ADDRESS_shared(at), ACCESS_REGISTER_##T(b)                              \
                               : "memory"),                                                              \
                  __VA_ARGS__)                                                                           \
    [[maybe_unused]] const bool atom_##NAME##_##T##_is_checked =                                         \
        (checks().push_back({"atom.global." #NAME "." SPELLED, &mismatch_of<atom_##NAME##_##T, false>}), \
         checks().push_back({"atom.shared." #NAME "." SPELLED, &mismatch_of<atom_##NAME##_##T, true>}), true);
// REDUCTION: the same, where the value before is not asked for.
#define REDUCTION(NAME, SPELLED, T, FIRST, ...)                                                        \
    ATOMIC_STRUCT(red, NAME, T, FIRST, true, false,                                                    \
                  asm volatile("red.global." #NAME "." SPELLED " [%0], %1;"                            \
                               :                                                                       \
                               : ADDRESS_global(at), ACCESS_REGISTER_##T(b)                            \
                               : "memory"),                                                            \
                  asm volatile("red.shared." #NAME "." SPELLED " [%0], %1;"                            \
                               :                                                                       \
                               : ADDRESS_shared(at), ACCESS_REGISTER_##T(b)                            \
                               : "memory"),                                                            \
                  __VA_ARGS__)                                                                         \
    [[maybe_unused]] const bool red_##NAME##_##T##_is_checked =                                        \
        (checks().push_back({"red.global." #NAME "." SPELLED, &mismatch_of<red_##NAME##_##T, false>}), \
         checks().push_back({"red.shared." #NAME "." SPELLED, &mismatch_of<red_##NAME##_##T, true>}), true);

ATOMIC(add, "u32", u32, 5, true, a + b)
ATOMIC(add, "u64", u64, 5, true, a + b)
ATOMIC(add, "f32", f32, 5, true, a + b)
ATOMIC(min, "u32", u32, 0xffffffff, true, std::min(a, b))
ATOMIC(min, "s32", s32, 0, true, std::min(a, b))
ATOMIC(max, "u32", u32, 0, true, std::max(a, b))
ATOMIC(max, "s32", s32, 0, true, std::max(a, b))
ATOMIC(min, "u64", u64, ~u64{0}, true, std::min(a, b))
ATOMIC(max, "u64", u64, 0, true, std::max(a, b))
ATOMIC(and, "b32", u32, 0xffffffff, true, a & b)
ATOMIC(or, "b32", u32, 0, true, a | b)
ATOMIC(xor, "b32", u32, 0, true, a ^ b)
ATOMIC(exch, "b32", u32, 0, false, b)
ATOMIC(exch, "b64", u64, 0, false, b)
REDUCTION(add, "u32", u32, 5, a + b)
REDUCTION(add, "f32", f32, 5, a + b)
REDUCTION(max, "u32", u32, 0, std::max(a, b))
REDUCTION(or, "b32", u32, 0, a | b)

/// Tickets from one counter, and a sum that is stored only where nobody was faster.
__global__ void take_tickets(u32* counter, u32* tickets, u32* sum, u64* wide_sum) {
    const unsigned thread = blockIdx.x * blockDim.x + threadIdx.x;
    tickets[thread] = atomicAdd(counter, 1U);
    u32 seen = *static_cast<volatile u32*>(sum);
    for (;;) {
        u32 before;
        asm volatile("atom.global.cas.b32 %0, [%1], %2, %3;"
                     : "=r"(before)
                     : "l"(__cvta_generic_to_global(sum)), "r"(seen), "r"(seen + thread)
                     : "memory");
        if (before == seen) break;
        seen = before;
    }
    u64 wide = *static_cast<volatile u64*>(wide_sum);
    for (;;) {
        u64 before;
        asm volatile("atom.global.cas.b64 %0, [%1], %2, %3;"
                     : "=l"(before)
                     : "l"(__cvta_generic_to_global(wide_sum)), "l"(wide), "l"(wide + thread * 0x100000000ULL)
                     : "memory");
        if (before == wide) break;
        wide = before;
    }
}
std::string mismatch_of_tickets() {
    const OnCard<u32> counter(std::vector<u32>{0});
    const OnCard<u32> tickets(threads);
    const OnCard<u32> sum(std::vector<u32>{0});
    const OnCard<u64> wide_sum(std::vector<u64>{0});
    take_tickets<<<blocks, threads_of_block>>>(counter.data(), tickets.data(), sum.data(), wide_sum.data());
    std::vector<u32> taken = tickets.values();
    std::sort(taken.begin(), taken.end());
    for (u32 i = 0; i < threads; ++i) {
        if (taken[i] != i) return "ticket " + std::to_string(i) + " is " + std::to_string(taken[i]);
    }
    const u32 expected = threads * (threads - 1) / 2;
    if (sum.values()[0] != expected) return "the sum is " + text_of(sum.values()[0]);
    if (wide_sum.values()[0] != u64{expected} << 32) return "the wide sum is " + text_of(wide_sum.values()[0]);
    return "";
}
[[maybe_unused]] const bool tickets_are_checked =
    (checks().push_back({"atom.global.cas.b32", &mismatch_of_tickets}),
     checks().push_back({"atom.global.cas.b64", &mismatch_of_tickets}), true);

}  // namespace

const std::vector<InstructionCheck>& atomic_checks() { return checks(); }

}  // namespace gpushard::test
