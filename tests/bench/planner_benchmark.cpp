#include <benchmark/benchmark.h>

#include <gpushard/error.hpp>
#include <gpushard/placement_planner.hpp>

#include "support/wiki_index.hpp"

namespace gpushard {
namespace {

/// Cards that all differ in free memory and speed, so that nothing is computed once for many.
std::vector<DeviceInfo> unequal_rig(std::int64_t devices) {
    std::vector<DeviceInfo> rig;
    for (std::int64_t i = 0; i < devices; ++i) {
        DeviceInfo device;
        device.spec = "cuda:" + std::to_string(i);
        device.kind = DeviceKind::cuda;
        device.total_bytes = 80_GiB;
        device.free_bytes = 2_GiB + static_cast<Bytes>(i * 7919 % devices * 10'000 / devices) * 1_MiB;
        device.context_bytes = 512_MiB;
        device.bytes_per_second = 1e12 + static_cast<double>(i * 104'729 % devices) * 1e9;
        rig.push_back(device);
    }
    return rig;
}

/// Planning an index that takes about half of the rig.
void plan(benchmark::State& state, Strategy strategy, int replicas) {
    const std::vector<DeviceInfo> rig = unequal_rig(state.range(0));
    const IndexProfile index = test::flat_index(1'000'000 * state.range(0) / replicas, 768);
    PlanOptions options;
    options.strategy = strategy;
    options.replicas = replicas;
    for (auto _ : state) benchmark::DoNotOptimize(plan_placement(index, rig, options));
}
BENCHMARK_CAPTURE(plan, balanced, Strategy::balanced, 1)->Arg(8)->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(plan, proportional, Strategy::proportional, 1)->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(plan, fewest, Strategy::fewest, 1)->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(plan, replicate, Strategy::replicate, 3)->Arg(1000)->Unit(benchmark::kMillisecond);

/// Refusing an index that is a little too large, alternatives included.
void refuse(benchmark::State& state, Strategy strategy, int replicas) {
    const std::vector<DeviceInfo> rig = unequal_rig(state.range(0));
    const IndexProfile index = test::flat_index(2'300'000 * state.range(0) / replicas, 768);
    PlanOptions options;
    options.strategy = strategy;
    options.replicas = replicas;
    for (auto _ : state) {
        try {
            plan_placement(index, rig, options);
            state.SkipWithError("the index fits");
        } catch (const InsufficientMemory& error) {
            benchmark::DoNotOptimize(error.short_bytes());
        }
    }
}
BENCHMARK_CAPTURE(refuse, balanced, Strategy::balanced, 1)->Arg(8)->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(refuse, replicate, Strategy::replicate, 3)->Arg(1000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace gpushard
