#include "simcuda/kernels/random_operations.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "support/half.hpp"

namespace gpushard::test {
namespace {

using u32 = std::uint32_t;
using u64 = std::uint64_t;
using s32 = std::int32_t;
using s64 = std::int64_t;
using Sources = const u64*;

constexpr RegisterKind word = RegisterKind::word;
constexpr RegisterKind wide = RegisterKind::wide;
constexpr RegisterKind number = RegisterKind::number;
constexpr RegisterKind truth = RegisterKind::truth;

u32 w(u64 bits) { return static_cast<u32>(bits); }
s32 i(u64 bits) { return static_cast<s32>(bits); }
s64 l(u64 bits) { return static_cast<s64>(bits); }
float f(u64 bits) { return std::bit_cast<float>(static_cast<u32>(bits)); }

u64 bits(u32 value) { return value; }
u64 bits(s32 value) { return static_cast<u32>(value); }
u64 bits(float value) { return std::bit_cast<u32>(value); }

u32 shifted_left(u32 value, u32 distance) { return distance < 32 ? value << distance : 0; }

u32 field(u32 value, u32 position, u32 length) {
    const u64 mask = (u64{1} << std::min(length & 255U, 32U)) - 1;
    return (position & 255U) < 32 ? static_cast<u32>((value >> (position & 255U)) & mask) : 0;
}

u32 with_field(u32 value, u32 into, u32 position, u32 length) {
    if ((position & 255U) > 31) return into;
    const u64 mask = ((u64{1} << std::min(length & 255U, 32U)) - 1) << (position & 255U);
    const u64 moved = u64{value} << (position & 255U);
    return static_cast<u32>((into & ~mask) | (moved & mask));
}

u32 permuted(u32 low, u32 high, u32 selector) {
    u32 result = 0;
    for (int place = 0; place < 4; ++place) {
        const u32 choice = selector >> (4 * place) & 15U;
        const u32 byte = ((choice & 4U) != 0 ? high : low) >> (8 * (choice & 3U)) & 255U;
        result |= ((choice & 8U) == 0 ? byte : byte >= 128 ? 255U : 0U) << (8 * place);
    }
    return result;
}

u32 reversed(u32 value) {
    u32 result = 0;
    for (int place = 0; place < 32; ++place) result = result << 1 | (value >> place & 1U);
    return result;
}

float least(float a, float b) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) ? b : a;
    if (a == b) return std::signbit(a) ? a : b;
    return a < b ? a : b;
}

template <typename T>
u64 truncated(float value) {
    if (std::isnan(value)) return 0;
    const double bounded =
        std::clamp(std::trunc(static_cast<double>(value)), static_cast<double>(std::numeric_limits<T>::min()),
                   static_cast<double>(std::numeric_limits<T>::max()));
    return bits(static_cast<T>(bounded));
}

std::vector<RandomOperation> all_operations() {
    return {
        {"add.s32", word, {word, word}, [](Sources s) { return bits(w(s[0]) + w(s[1])); }},
        {"sub.s32", word, {word, word}, [](Sources s) { return bits(w(s[0]) - w(s[1])); }},
        {"mul.lo.s32", word, {word, word}, [](Sources s) { return bits(w(s[0]) * w(s[1])); }},
        {"mad.lo.s32", word, {word, word, word}, [](Sources s) { return bits(w(s[0]) * w(s[1]) + w(s[2])); }},
        {"and.b32", word, {word, word}, [](Sources s) { return s[0] & s[1]; }},
        {"or.b32", word, {word, word}, [](Sources s) { return s[0] | s[1]; }},
        {"xor.b32", word, {word, word}, [](Sources s) { return s[0] ^ s[1]; }},
        {"not.b32", word, {word}, [](Sources s) { return bits(~w(s[0])); }},
        {"neg.s32", word, {word}, [](Sources s) { return bits(0U - w(s[0])); }},
        {"shl.b32", word, {word, word}, [](Sources s) { return bits(shifted_left(w(s[0]), w(s[1]))); }},
        {"shr.u32", word, {word, word}, [](Sources s) { return w(s[1]) < 32 ? s[0] >> w(s[1]) : 0; }},
        {"shr.s32", word, {word, word}, [](Sources s) { return bits(i(s[0]) >> std::min(w(s[1]), 31U)); }},
        {"min.s32", word, {word, word}, [](Sources s) { return bits(std::min(i(s[0]), i(s[1]))); }},
        {"max.s32", word, {word, word}, [](Sources s) { return bits(std::max(i(s[0]), i(s[1]))); }},
        {"min.u32", word, {word, word}, [](Sources s) { return std::min(s[0], s[1]); }},
        {"div.u32", word, {word, word}, [](Sources s) { return s[0] / (s[1] | 1); }, "or.b32 %t, %1, 1;"},
        {"rem.u32", word, {word, word}, [](Sources s) { return s[0] % (s[1] | 1); }, "or.b32 %t, %1, 1;"},
        {"bfe.u32", word, {word, word, word}, [](Sources s) { return bits(field(w(s[0]), w(s[1]), w(s[2]))); }},
        {"bfi.b32",
         word,
         {word, word, word, word},
         [](Sources s) { return bits(with_field(w(s[0]), w(s[1]), w(s[2]), w(s[3]))); }},
        {"prmt.b32", word, {word, word, word}, [](Sources s) { return bits(permuted(w(s[0]), w(s[1]), w(s[2]))); }},
        {"brev.b32", word, {word}, [](Sources s) { return bits(reversed(w(s[0]))); }},
        {"clz.b32", word, {word}, [](Sources s) { return bits(std::countl_zero(w(s[0]))); }},
        {"popc.b32", word, {word}, [](Sources s) { return bits(std::popcount(w(s[0]))); }},
        {"selp.b32", word, {word, word, truth}, [](Sources s) { return s[2] != 0 ? s[0] : s[1]; }},
        {"mov.u32", word, {word}, [](Sources s) { return s[0]; }},

        {"add.s64", wide, {wide, wide}, [](Sources s) { return s[0] + s[1]; }},
        {"sub.s64", wide, {wide, wide}, [](Sources s) { return s[0] - s[1]; }},
        {"mul.lo.s64", wide, {wide, wide}, [](Sources s) { return s[0] * s[1]; }},
        {"mul.wide.s32", wide, {word, word}, [](Sources s) { return static_cast<u64>(s64{i(s[0])} * i(s[1])); }},
        {"mul.wide.u32", wide, {word, word}, [](Sources s) { return s[0] * s[1]; }},
        {"and.b64", wide, {wide, wide}, [](Sources s) { return s[0] & s[1]; }},
        {"or.b64", wide, {wide, wide}, [](Sources s) { return s[0] | s[1]; }},
        {"not.b64", wide, {wide}, [](Sources s) { return ~s[0]; }},
        {"min.s64", wide, {wide, wide}, [](Sources s) { return static_cast<u64>(std::min(l(s[0]), l(s[1]))); }},
        {"shl.b64", wide, {wide, word}, [](Sources s) { return s[1] < 64 ? s[0] << s[1] : 0; }},
        {"shr.u64", wide, {wide, word}, [](Sources s) { return s[1] < 64 ? s[0] >> s[1] : 0; }},
        {"cvt.s64.s32", wide, {word}, [](Sources s) { return static_cast<u64>(s64{i(s[0])}); }},
        {"cvt.u64.u32", wide, {word}, [](Sources s) { return s[0]; }},
        {"cvt.u32.u64", word, {wide}, [](Sources s) { return bits(w(s[0])); }},

        {"add.f32", number, {number, number}, [](Sources s) { return bits(f(s[0]) + f(s[1])); }},
        {"sub.f32", number, {number, number}, [](Sources s) { return bits(f(s[0]) - f(s[1])); }},
        {"mul.f32", number, {number, number}, [](Sources s) { return bits(f(s[0]) * f(s[1])); }},
        {"div.rn.f32", number, {number, number}, [](Sources s) { return bits(f(s[0]) / f(s[1])); }},
        {"fma.rn.f32",
         number,
         {number, number, number},
         [](Sources s) { return bits(std::fma(f(s[0]), f(s[1]), f(s[2]))); }},
        {"sqrt.rn.f32", number, {number}, [](Sources s) { return bits(std::sqrt(f(s[0]))); }},
        {"abs.f32", number, {number}, [](Sources s) { return bits(std::fabs(f(s[0]))); }},
        {"neg.f32", number, {number}, [](Sources s) { return bits(-f(s[0])); }},
        {"min.f32", number, {number, number}, [](Sources s) { return bits(least(f(s[0]), f(s[1]))); }},
        {"max.f32", number, {number, number}, [](Sources s) { return bits(-least(-f(s[0]), -f(s[1]))); }},
        {"selp.f32", number, {number, number, truth}, [](Sources s) { return s[2] != 0 ? s[0] : s[1]; }},
        {"cvt.rni.f32.f32", number, {number}, [](Sources s) { return bits(std::nearbyint(f(s[0]))); }},
        {"cvt.rmi.f32.f32", number, {number}, [](Sources s) { return bits(std::floor(f(s[0]))); }},
        {"cvt.rzi.f32.f32", number, {number}, [](Sources s) { return bits(std::trunc(f(s[0]))); }},
        {"cvt.rn.f32.s32", number, {word}, [](Sources s) { return bits(static_cast<float>(i(s[0]))); }},
        {"cvt.rn.f32.u32", number, {word}, [](Sources s) { return bits(static_cast<float>(w(s[0]))); }},
        {"cvt.f32.f16",
         number,
         {number},
         [](Sources s) { return bits(round_to_half(f(s[0]))); },
         "cvt.rn.f16.f32 %h, %0;"},
        {"cvt.rzi.s32.f32", word, {number}, [](Sources s) { return truncated<s32>(f(s[0])); }},
        {"cvt.rzi.u32.f32", word, {number}, [](Sources s) { return truncated<u32>(f(s[0])); }},
        {"mov.b32",
         word,
         {number},
         [](Sources s) { return without_nan(s[0]); },
         "setp.neu.f32 %q, %0, %0; selp.f32 %n, 0f00000000, %0, %q;"},

        {"setp.eq.s32", truth, {word, word}, [](Sources s) -> u64 { return s[0] == s[1]; }},
        {"setp.ne.s32", truth, {word, word}, [](Sources s) -> u64 { return s[0] != s[1]; }},
        {"setp.lt.s32", truth, {word, word}, [](Sources s) -> u64 { return i(s[0]) < i(s[1]); }},
        {"setp.le.s32", truth, {word, word}, [](Sources s) -> u64 { return i(s[0]) <= i(s[1]); }},
        {"setp.gt.u32", truth, {word, word}, [](Sources s) -> u64 { return s[0] > s[1]; }},
        {"setp.ge.u32", truth, {word, word}, [](Sources s) -> u64 { return s[0] >= s[1]; }},
        {"setp.lt.s64", truth, {wide, wide}, [](Sources s) -> u64 { return l(s[0]) < l(s[1]); }},
        {"setp.gt.u64", truth, {wide, wide}, [](Sources s) -> u64 { return s[0] > s[1]; }},
        {"setp.eq.f32", truth, {number, number}, [](Sources s) -> u64 { return f(s[0]) == f(s[1]); }},
        {"setp.lt.f32", truth, {number, number}, [](Sources s) -> u64 { return f(s[0]) < f(s[1]); }},
        {"setp.gt.f32", truth, {number, number}, [](Sources s) -> u64 { return f(s[0]) > f(s[1]); }},
        {"setp.geu.f32", truth, {number, number}, [](Sources s) -> u64 { return !(f(s[0]) < f(s[1])); }},
        {"setp.leu.f32", truth, {number, number}, [](Sources s) -> u64 { return !(f(s[0]) > f(s[1])); }},
        {"setp.neu.f32", truth, {number, number}, [](Sources s) -> u64 { return !(f(s[0]) == f(s[1])); }},
        {"and.pred", truth, {truth, truth}, [](Sources s) { return s[0] & s[1]; }},
        {"or.pred", truth, {truth, truth}, [](Sources s) { return s[0] | s[1]; }},
        {"xor.pred", truth, {truth, truth}, [](Sources s) { return s[0] ^ s[1]; }},
        {"not.pred", truth, {truth}, [](Sources s) { return s[0] ^ 1; }},
    };
}

}  // namespace

u64 without_nan(u64 value) { return std::isnan(f(value)) ? 0 : value; }

const std::vector<RandomOperation>& random_operations() {
    static const std::vector<RandomOperation> all = all_operations();
    return all;
}

}  // namespace gpushard::test
