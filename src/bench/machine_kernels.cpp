// This file is compiled once for each kind of vectors that a processor may have; HWY_DYNAMIC_DISPATCH then takes the
// best that this one has. The inclusion of itself is how Highway does that (its g3doc/impl_details and hwy/examples).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/machine_kernels.cpp"
#include "bench/machine_kernels.hpp"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gpushard::bench::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Two units with a latency of four or five cycles are kept busy by ten chains that do not depend on each other; twelve
// and two constants still fit sixteen registers. Named, for vectors whose size is not known may not be in arrays.
FmaWork multiply_and_add_with(std::int64_t rounds) {
    const hn::ScalableTag<float> tag;
    // The chains stay near 1, far from numbers that are slow.
    const auto scale = hn::Set(tag, 0.5F);
    const auto step = hn::Set(tag, 0.5F);
    // Each begins elsewhere, or a compiler would make one of them all.
    auto a = hn::Iota(tag, 0.0F), b = hn::Iota(tag, 1.0F), c = hn::Iota(tag, 2.0F), d = hn::Iota(tag, 3.0F);
    auto e = hn::Iota(tag, 4.0F), f = hn::Iota(tag, 5.0F), g = hn::Iota(tag, 6.0F), h = hn::Iota(tag, 7.0F);
    auto i = hn::Iota(tag, 8.0F), j = hn::Iota(tag, 9.0F), k = hn::Iota(tag, 10.0F), l = hn::Iota(tag, 11.0F);
    for (std::int64_t round = 0; round < rounds; ++round) {
        a = hn::MulAdd(a, scale, step);
        b = hn::MulAdd(b, scale, step);
        c = hn::MulAdd(c, scale, step);
        d = hn::MulAdd(d, scale, step);
        e = hn::MulAdd(e, scale, step);
        f = hn::MulAdd(f, scale, step);
        g = hn::MulAdd(g, scale, step);
        h = hn::MulAdd(h, scale, step);
        i = hn::MulAdd(i, scale, step);
        j = hn::MulAdd(j, scale, step);
        k = hn::MulAdd(k, scale, step);
        l = hn::MulAdd(l, scale, step);
    }
    const auto sum = hn::Add(hn::Add(hn::Add(hn::Add(a, b), hn::Add(c, d)), hn::Add(hn::Add(e, f), hn::Add(g, h))),
                             hn::Add(hn::Add(i, j), hn::Add(k, l)));
    constexpr double chains = 12;
    const double flops = static_cast<double>(rounds) * chains * 2 * static_cast<double>(hn::Lanes(tag));
    return {flops, hn::GetLane(hn::SumOfLanes(tag, sum))};
}

float sum_of_with(const float* data, std::size_t count) {
    const hn::ScalableTag<float> tag;
    const std::size_t lanes = hn::Lanes(tag);
    auto a = hn::Zero(tag);
    auto b = a, c = a, d = a;
    for (std::size_t i = 0; i + 4 * lanes <= count; i += 4 * lanes) {
        a = hn::Add(a, hn::LoadU(tag, data + i));
        b = hn::Add(b, hn::LoadU(tag, data + i + lanes));
        c = hn::Add(c, hn::LoadU(tag, data + i + 2 * lanes));
        d = hn::Add(d, hn::LoadU(tag, data + i + 3 * lanes));
    }
    return hn::GetLane(hn::SumOfLanes(tag, hn::Add(hn::Add(a, b), hn::Add(c, d))));
}

}  // namespace gpushard::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gpushard::bench {

HWY_EXPORT(multiply_and_add_with);
HWY_EXPORT(sum_of_with);

FmaWork multiply_and_add(std::int64_t rounds) { return HWY_DYNAMIC_DISPATCH(multiply_and_add_with)(rounds); }

float sum_of(const float* data, std::size_t count) { return HWY_DYNAMIC_DISPATCH(sum_of_with)(data, count); }

}  // namespace gpushard::bench
#endif
