// Kernels that nobody wrote, against an evaluator of their own: a fault that both share is not likely.
#include <array>
#include <cstddef>
#include <cstring>
#include <random>
#include <span>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "interpreter/program.hpp"
#include "ptx/module.hpp"
#include "simcuda/kernels/random_evaluator.hpp"
#include "simcuda/kernels/random_program.hpp"
#include "simcuda/kernels/random_writer.hpp"

namespace gpushard::test {
namespace {

using namespace simcuda::interpreter;
using simcuda::ptx::Module;

/// Two allocations: the input, all written, and the output.
class TwoBuffers : public GlobalMemory {
public:
    static constexpr std::uintptr_t input_address = 0x10000000;
    static constexpr std::uintptr_t output_address = 0x20000000;

    TwoBuffers(std::vector<std::uint32_t> input, std::size_t outputs)
        : input_(std::move(input)), output_(outputs), written_(4 * outputs) {}

    Reach find(std::uintptr_t address) override {
        if (const auto found = reach(input_address, input_, nullptr); address - found.begin < found.bytes) return found;
        if (const auto found = reach(output_address, output_, written_.data()); address - found.begin < found.bytes) {
            return found;
        }
        return {};
    }
    std::string describe(std::uintptr_t, std::uint64_t) override { return "outside both"; }

    const std::vector<std::uint32_t>& output() const { return output_; }

private:
    static Reach reach(std::uintptr_t address, std::vector<std::uint32_t>& words, std::uint8_t* written) {
        const auto bytes = std::as_writable_bytes(std::span(words));
        return {.begin = address, .bytes = bytes.size(), .data = bytes.data(), .written = written};
    }

    std::vector<std::uint32_t> input_;
    std::vector<std::uint32_t> output_;
    std::vector<std::uint8_t> written_;
};

class FindingList : public FindingSink {
public:
    void report(Finding finding) override { texts.push_back(std::move(finding.text)); }
    std::vector<std::string> texts;
};

/// Numbers of all sizes, floats of ordinary size among them.
std::vector<std::uint32_t> random_input(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<std::uint32_t> words(input_words);
    for (std::uint32_t& word : words) {
        const std::uint64_t bits = random();
        word = static_cast<std::uint32_t>(bits >> 32);
        if (bits % 3 == 1) word >>= bits % 29;
        if (bits % 3 == 2) word = (word & 0x81FFFFFFU) | 0x3E000000U;
    }
    return words;
}

void check_kernel(std::uint64_t seed) {
    const RandomProgram program = random_program(seed);
    const std::vector<std::uint32_t> input = random_input(seed);
    const std::vector<std::uint32_t> expected = evaluated(program, input);
    const std::string text = ptx_of(program);
    SCOPED_TRACE("seed " + std::to_string(seed) + ":\n" + text);

    Module module(text);
    const Program code(*module.kernel("random_kernel"), module.variables());
    ASSERT_THAT(code.unknown_instructions(), testing::IsEmpty());
    TwoBuffers memory(input, expected.size());
    FindingList findings;
    Traffic traffic;
    const std::array<std::uint64_t, 2> parameters{TwoBuffers::input_address, TwoBuffers::output_address};
    const LaunchShape shape{.grid = {program.blocks, 1, 1}, .block = {program.threads, 1, 1}};
    const bool finished = code.run(
        shape, reinterpret_cast<const std::byte*>(parameters.data()), [](std::string_view) { return 0; }, memory,
        findings, traffic);
    EXPECT_TRUE(finished);
    ASSERT_THAT(findings.texts, testing::IsEmpty());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const std::size_t thread = i / output_words % program.threads;
        const std::size_t word = i % output_words;
        constexpr const char* names[] = {"%r", "%rd (low) ", "%rd (high) ", "%f", "%p"};
        ASSERT_EQ(memory.output()[i], expected[i]) << names[word % 5] << word / 5 << " of thread " << thread
                                                   << " of block " << i / output_words / program.threads;
    }
}

class RandomKernels : public testing::TestWithParam<std::uint64_t> {};

TEST_P(RandomKernels, StoreWhatTheEvaluatorSays) {
    constexpr std::uint64_t kernels = 100;
    for (std::uint64_t seed = GetParam(); seed < GetParam() + kernels && !HasFatalFailure(); ++seed) check_kernel(seed);
}

INSTANTIATE_TEST_SUITE_P(From, RandomKernels, testing::Values(1, 1001, 2001, 3001),
                         [](const auto& first) { return "Seed" + std::to_string(first.param); });

}  // namespace
}  // namespace gpushard::test
