#include <cstdint>
#include <functional>
#include <random>
#include <string>

#include <benchmark/benchmark.h>

#include <gpushard/explain.hpp>

namespace gpushard {
namespace {

constexpr std::size_t text_bytes = 10'000'000;

std::string filled(const std::function<std::string(std::uint32_t)>& line) {
    std::string text;
    for (std::uint32_t i = 0; text.size() < text_bytes; ++i) text += line(i);
    text.resize(text_bytes);
    return text;
}

std::string training_log() {
    return filled([](std::uint32_t i) {
        return "INFO step " + std::to_string(i) + " loss 0." + std::to_string(i % 997) + " lr 1e-5 tokens/s 4096\n";
    });
}

std::string near_matches() {
    return filled([](std::uint32_t i) {
        return "StandardGpuResources: alloc fail type FlatDatum dev " + std::to_string(i % 8) + " size " +
               std::to_string(i) + " byte (cudaMalloc error out of memori [2])\n";
    });
}

std::string matches() {
    return filled([](std::uint32_t i) {
        return "StandardGpuResources: alloc fail type FlatData dev " + std::to_string(i % 8) +
               " space Device stream 0 size " + std::to_string(i) + " bytes (cudaMalloc error out of memory [2])\n";
    });
}

std::string one_line() {
    return filled(
        [](std::uint32_t) { return std::string("CUDA error 3x failed to cudaMalloc alloc fail type Temporary "); });
}

std::string random_bytes() {
    std::mt19937 random(1);
    return filled([&random](std::uint32_t) { return std::string(1, static_cast<char>(random() & 0xff)); });
}

void explain_text(benchmark::State& state, std::string (*make)()) {
    const std::string text = make();
    for (auto _ : state) benchmark::DoNotOptimize(explain(text));
    state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
}
BENCHMARK_CAPTURE(explain_text, training_log, training_log)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(explain_text, near_matches, near_matches)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(explain_text, matches, matches)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(explain_text, one_line, one_line)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(explain_text, random_bytes, random_bytes)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace gpushard
