#pragma once

#include <functional>
#include <tuple>

#include "simcuda/kernels/instruction_check.hpp"
#include "simcuda/kernels/numbers.hpp"
#include "simcuda/kernels/on_card.hpp"

/// Instructions that compute from registers alone: the kernel, the values and the comparison that all of them share.
/// A file of checks defines `checks()` before it uses the macros.
namespace gpushard::test {

/// What a type is in a register of inline assembly.
template <typename T>
__device__ T to_register(T value) {
    return value;
}
__device__ inline u16 to_register(f16 value) { return value.bits; }
__device__ inline u32 to_register(f16x2 value) { return value.bits; }
__device__ inline u32 to_register(pred value) { return value.bits; }

template <typename T>
struct Register {
    T value;
    __device__ operator T() const { return value; }
};
template <>
struct Register<f16> {
    u16 value;
    __device__ operator f16() const { return {value}; }
};
template <>
struct Register<f16x2> {
    u32 value;
    __device__ operator f16x2() const { return {value}; }
};
template <>
struct Register<pred> {
    u32 value;
    __device__ operator pred() const { return {static_cast<u8>(value)}; }
};

#define REGISTER_u16 "h"
#define REGISTER_s16 "h"
#define REGISTER_u32 "r"
#define REGISTER_s32 "r"
#define REGISTER_u64 "l"
#define REGISTER_s64 "l"
#define REGISTER_f16 "h"
#define REGISTER_f16x2 "r"
#define REGISTER_f32 "f"
#define REGISTER_pred "r"

template <typename To, typename... From>
struct Operation {
    using Result = To;
    using Sources = std::tuple<From...>;
    static bool defined(From...) { return true; }
    static bool agrees(To expected, To found) { return same(expected, found); }
};

template <typename Operation, typename... From>
__global__ void apply_to_all(int count, typename Operation::Result* to, const From*... from) {
    const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < count) to[i] = Operation::apply(from[i]...);
}

/// Every edge value of the first source with every one of the second, others from theirs in turn; then random ones.
template <typename... From>
struct Inputs {
    std::tuple<std::vector<From>...> columns;
    std::size_t count = 0;

    template <typename Defined>
    explicit Inputs(Defined defined) {
        const std::tuple<std::vector<From>...> edges{edge_values<From>()...};
        const auto sizes = std::apply([](const auto&... values) { return std::vector{values.size()...}; }, edges);
        const std::size_t first = sizes[0];
        const std::size_t second = sizes.size() > 1 ? sizes[1] : 1;
        for (std::size_t i = 0; i < first * second; ++i) {
            std::size_t source = 0;
            const auto pick = [&](const auto& values) {
                const std::size_t place = source;
                ++source;
                if (place == 0) return values[i / second];
                if (place == 1) return values[i % second];
                return values[(i * (2 * place + 3) + i / values.size()) % values.size()];
            };
            add(defined, std::apply([&](const auto&... values) { return std::tuple{pick(values)...}; }, edges));
        }
        Random random(20240229);
        for (int i = 0; i < 2000; ++i) add(defined, std::tuple<From...>{random_value<From>(random)...});
    }

private:
    template <typename Defined>
    void add(Defined defined, const std::tuple<From...>& row) {
        if (!std::apply(defined, row)) return;
        ++count;
        [&]<std::size_t... i>(std::index_sequence<i...>) { (std::get<i>(columns).push_back(std::get<i>(row)), ...); }
        (std::index_sequence_for<From...>{});
    }
};

template <typename Operation, typename... From>
std::string mismatch_of_sources(std::tuple<From...>*) {
    using To = typename Operation::Result;
    const Inputs<From...> inputs(&Operation::defined);
    const OnCard<To> to(inputs.count);
    std::apply(
        [&](const auto&... columns) {
            const std::tuple<OnCard<From>...> from{columns...};
            const int count = static_cast<int>(inputs.count);
            const auto launch = [&](const auto&... sources) {
                apply_to_all<Operation, From...><<<(count + 95) / 96, 96>>>(count, to.data(), sources.data()...);
            };
            std::apply(launch, from);
            finish(Operation::instruction);
        },
        inputs.columns);
    const std::vector<To> found = to.values();
    for (std::size_t i = 0; i < inputs.count; ++i) {
        const auto row = std::apply([&](const auto&... columns) { return std::tuple{columns[i]...}; }, inputs.columns);
        const To expected = std::apply(&Operation::expect, row);
        if (Operation::agrees(expected, found[i])) continue;
        std::string text = std::apply([](auto... values) { return ((text_of(values) + "  ") + ...); }, row);
        return "of " + text + "is " + text_of(found[i]) + ", expected " + text_of(expected);
    }
    return "";
}

template <typename Operation>
std::string mismatch_of() {
    return mismatch_of_sources<Operation>(static_cast<typename Operation::Sources*>(nullptr));
}

#define JOINED_(left, right) left##right
#define JOINED(left, right) JOINED_(left, right)
#define OPERATION_NAME JOINED(Operation, __LINE__)
#define OPERATION_IS_CHECKED(SPELLED)                       \
    [[maybe_unused]] const bool JOINED(checked, __LINE__) = \
        (checks().push_back({SPELLED, &mismatch_of<OPERATION_NAME>}), true);

// ASSEMBLY_n(spelled instruction, assembly, result, sources..., what the CPU says of a, b, c and d)
#define ASSEMBLY_1(SPELLED, TEXT, R, A, ...)                                               \
    struct OPERATION_NAME : Operation<R, A> {                                              \
        static constexpr const char* instruction = SPELLED;                                \
        static __device__ R apply(A a) {                                                   \
            Register<R> r;                                                                 \
            asm volatile(TEXT : "=" REGISTER_##R(r.value) : REGISTER_##A(to_register(a))); \
            return r;                                                                      \
        }                                                                                  \
        static R expect([[maybe_unused]] A a) { return static_cast<R>(__VA_ARGS__); }      \
    };                                                                                     \
    OPERATION_IS_CHECKED(SPELLED)
#define ASSEMBLY_2_WHERE(DEFINED, SPELLED, TEXT, R, A, B, ...)                                              \
    struct OPERATION_NAME : Operation<R, A, B> {                                                            \
        static constexpr const char* instruction = SPELLED;                                                 \
        static __device__ R apply(A a, B b) {                                                               \
            Register<R> r;                                                                                  \
            asm volatile(TEXT                                                                               \
                         : "=" REGISTER_##R(r.value)                                                        \
                         : REGISTER_##A(to_register(a)), REGISTER_##B(to_register(b)));                     \
            return r;                                                                                       \
        }                                                                                                   \
        static bool defined([[maybe_unused]] A a, [[maybe_unused]] B b) { return DEFINED; }                 \
        static R expect([[maybe_unused]] A a, [[maybe_unused]] B b) { return static_cast<R>(__VA_ARGS__); } \
    };                                                                                                      \
    OPERATION_IS_CHECKED(SPELLED)
#define ASSEMBLY_2(SPELLED, TEXT, R, A, B, ...) ASSEMBLY_2_WHERE(true, SPELLED, TEXT, R, A, B, __VA_ARGS__)
#define ASSEMBLY_3(SPELLED, TEXT, R, A, B, C, ...)                                                                    \
    struct OPERATION_NAME : Operation<R, A, B, C> {                                                                   \
        static constexpr const char* instruction = SPELLED;                                                           \
        static __device__ R apply(A a, B b, C c) {                                                                    \
            Register<R> r;                                                                                            \
            asm volatile(TEXT                                                                                         \
                         : "=" REGISTER_##R(r.value)                                                                  \
                         : REGISTER_##A(to_register(a)), REGISTER_##B(to_register(b)), REGISTER_##C(to_register(c))); \
            return r;                                                                                                 \
        }                                                                                                             \
        static R expect([[maybe_unused]] A a, [[maybe_unused]] B b, [[maybe_unused]] C c) {                           \
            return static_cast<R>(__VA_ARGS__);                                                                       \
        }                                                                                                             \
    };                                                                                                                \
    OPERATION_IS_CHECKED(SPELLED)
#define ASSEMBLY_4(SPELLED, TEXT, R, A, B, C, D, ...)                                                                \
    struct OPERATION_NAME : Operation<R, A, B, C, D> {                                                               \
        static constexpr const char* instruction = SPELLED;                                                          \
        static __device__ R apply(A a, B b, C c, D d) {                                                              \
            Register<R> r;                                                                                           \
            asm volatile(TEXT                                                                                        \
                         : "=" REGISTER_##R(r.value)                                                                 \
                         : REGISTER_##A(to_register(a)), REGISTER_##B(to_register(b)), REGISTER_##C(to_register(c)), \
                           REGISTER_##D(to_register(d)));                                                            \
            return r;                                                                                                \
        }                                                                                                            \
        static R expect([[maybe_unused]] A a, [[maybe_unused]] B b, [[maybe_unused]] C c, [[maybe_unused]] D d) {    \
            return static_cast<R>(__VA_ARGS__);                                                                      \
        }                                                                                                            \
    };                                                                                                               \
    OPERATION_IS_CHECKED(SPELLED)

// ARITHMETIC_n(instruction, result, sources..., what the CPU says): all operands in registers, in that order.
#define ARITHMETIC_1(SPELLED, R, A, ...) ASSEMBLY_1(SPELLED, SPELLED " %0, %1;", R, A, __VA_ARGS__)
#define ARITHMETIC_2(SPELLED, R, A, B, ...) ASSEMBLY_2(SPELLED, SPELLED " %0, %1, %2;", R, A, B, __VA_ARGS__)
#define ARITHMETIC_3(SPELLED, R, A, B, C, ...) ASSEMBLY_3(SPELLED, SPELLED " %0, %1, %2, %3;", R, A, B, C, __VA_ARGS__)
#define ARITHMETIC_4(SPELLED, R, A, B, C, D, ...) \
    ASSEMBLY_4(SPELLED, SPELLED " %0, %1, %2, %3, %4;", R, A, B, C, D, __VA_ARGS__)

}  // namespace gpushard::test
