#include "simcuda/kernels/random_evaluator.hpp"

#include <array>
#include <cstddef>

namespace gpushard::test {
namespace {

using Kind = RandomStatement::Kind;
using Mode = RandomStatement::Mode;
using u32 = std::uint32_t;
using u64 = std::uint64_t;

struct Thread {
    std::array<std::array<u64, registers_of_kind>, register_kinds> registers{};
    std::array<u32, local_words> local{};
    u32 own = 0;

    u64& at(RandomRegister place) { return registers[static_cast<std::size_t>(place.kind)][place.index]; }
    u64 value(const RandomSource& source) { return source.is_immediate ? source.value : at(source.place); }
    u32 word(const RandomSource& source) { return static_cast<u32>(value(source)); }
    bool holds(const RandomStatement& statement) { return (at(statement.condition) != 0) != statement.negated; }
};

/// Threads of a block, by number.
using Threads = std::vector<u32>;

class Block {
public:
    Block(const RandomProgram& program, const std::vector<u32>& input, u32 number)
        : input_(input), threads_(program.threads) {
        Threads all;
        for (u32 i = 0; i < program.threads; ++i) {
            begin(threads_[i], number * program.threads + i);
            all.push_back(i);
        }
        run(program.statements, all);
    }

    void store(std::vector<u32>& output) {
        for (Thread& thread : threads_) {
            for (int i = 0; i < registers_of_kind; ++i) {
                const u64 wide = thread.at({RegisterKind::wide, i});
                output.push_back(static_cast<u32>(thread.at({RegisterKind::word, i})));
                output.push_back(static_cast<u32>(wide));
                output.push_back(static_cast<u32>(wide >> 32));
                output.push_back(static_cast<u32>(without_nan(thread.at({RegisterKind::number, i}))));
                output.push_back(static_cast<u32>(thread.at({RegisterKind::truth, i})));
            }
        }
    }

private:
    void begin(Thread& thread, u32 number) const {
        for (int i = 0; i < registers_of_kind; ++i) {
            const u32 word = input_[(number * 7 + static_cast<u32>(i) * 31) % input_words];
            const auto as_signed = static_cast<std::int32_t>(word);
            thread.at({RegisterKind::word, i}) = word;
            thread.at({RegisterKind::number, i}) = word;
            thread.at({RegisterKind::wide, i}) = static_cast<u64>(std::int64_t{as_signed});
            thread.at({RegisterKind::truth, i}) = as_signed < 0 ? 1 : 0;
        }
        thread.own = static_cast<u32>(thread.at({RegisterKind::word, 0}));
        for (int word = 0; word < local_words; ++word) {
            thread.local[word] = static_cast<u32>(thread.at({RegisterKind::word, word % registers_of_kind}));
        }
    }

    void run(const std::vector<RandomStatement>& statements, const Threads& here) {
        for (const RandomStatement& statement : statements) {
            if (here.empty()) return;
            run(statement, here);
        }
    }

    void run(const RandomStatement& statement, const Threads& here) {
        switch (statement.kind) {
            case Kind::load_others:
            case Kind::add_up:
                return between_threads(statement, here);
            case Kind::shuffle:
            case Kind::ballot:
            case Kind::any:
            case Kind::all:
                return between_lanes(statement, here);
            case Kind::branch: {
                Threads first;
                Threads second;
                for (const u32 i : here) (threads_[i].holds(statement) ? first : second).push_back(i);
                run(statement.first, first);
                return run(statement.second, second);
            }
            case Kind::repeat:
                for (int i = 0; i < statement.count; ++i) run(statement.first, here);
                return;
            case Kind::repeat_lanes:
                for (const u32 i : here) {
                    const u32 count = threads_[i].word(statement.sources[0]) & most_repeats;
                    for (u32 turn = 0; turn < count; ++turn) {
                        run(statement.first, {i});
                        if (threads_[i].holds(statement)) break;
                    }
                }
                return;
            default:
                for (const u32 i : here) alone(statement, threads_[i]);
        }
    }

    void alone(const RandomStatement& statement, Thread& thread) const {
        if (statement.is_guarded && !thread.holds(statement)) return;
        u64& to = thread.at(statement.to);
        switch (statement.kind) {
            case Kind::compute: {
                std::array<u64, 4> sources{};
                for (std::size_t i = 0; i < statement.sources.size(); ++i) {
                    sources[i] = thread.value(statement.sources[i]);
                }
                to = statement.operation->compute(sources.data());
                return;
            }
            case Kind::load_input:
                to = input_[thread.word(statement.sources[0]) % input_words];
                return;
            case Kind::load_local:
                to = thread.local[thread.word(statement.sources[0]) % local_words];
                return;
            case Kind::store_local:
                thread.local[thread.word(statement.sources[0]) % local_words] = thread.word(statement.sources[1]);
                return;
            case Kind::load_own:
                to = thread.own;
                return;
            default:
                thread.own = thread.word(statement.sources[0]);
        }
    }

    void between_threads(const RandomStatement& statement, const Threads& here) {
        std::array<u32, sums_of_block> sums{};
        if (statement.kind == Kind::add_up) {
            for (const u32 i : here) {
                sums[threads_[i].word(statement.sources[1]) % sums_of_block] += threads_[i].word(statement.sources[0]);
            }
        }
        for (const u32 i : here) {
            Thread& thread = threads_[i];
            thread.at(statement.to) = statement.kind == Kind::add_up
                                          ? sums[thread.word(statement.sources[1]) % sums_of_block]
                                          : threads_[thread.word(statement.sources[0]) % threads_.size()].own;
        }
    }

    void between_lanes(const RandomStatement& statement, const Threads& here) {
        std::vector<u64> results;
        std::vector<u32> lanes(threads_.size() / 32 + 1);
        std::vector<u32> said(lanes.size());
        for (const u32 i : here) {
            lanes[i / 32] |= 1U << i % 32;
            if (threads_[i].holds(statement)) said[i / 32] |= 1U << i % 32;
        }
        for (const u32 i : here) {
            switch (statement.kind) {
                case Kind::ballot:
                    results.push_back(said[i / 32]);
                    break;
                case Kind::any:
                    results.push_back(said[i / 32] != 0 ? 1 : 0);
                    break;
                case Kind::all:
                    results.push_back(said[i / 32] == lanes[i / 32] ? 1 : 0);
                    break;
                default:
                    results.push_back(shuffled(statement, i, lanes[i / 32]));
            }
        }
        const bool tells_truth = statement.kind == Kind::any || statement.kind == Kind::all;
        for (std::size_t place = 0; place < here.size(); ++place) {
            threads_[here[place]].at(tells_truth ? statement.condition : statement.to) = results[place];
        }
    }

    u32 shuffled(const RandomStatement& statement, u32 number, u32 lanes) {
        const int lane = static_cast<int>(number % 32);
        const int distance = static_cast<int>(threads_[number].word(statement.sources[1]) % 32);
        const int first = lane / statement.width * statement.width;
        const int last = first + statement.width - 1;
        int from = lane;
        bool in_range = true;
        switch (statement.mode) {
            case Mode::up:
                from = lane - distance;
                in_range = from >= first;
                break;
            case Mode::down:
                from = lane + distance;
                in_range = from <= last;
                break;
            case Mode::bfly:
                from = lane ^ distance;
                in_range = from <= last;
                break;
            case Mode::idx:
                from = first + distance % statement.width;
                break;
            case Mode::present:
                if ((lanes >> distance & 1U) != 0) from = distance;
                break;
        }
        const u32 source = number - static_cast<u32>(lane) + static_cast<u32>(in_range ? from : lane);
        return threads_[source].word(statement.sources[0]) ^ (in_range ? 1U : 0U);
    }

    const std::vector<u32>& input_;
    std::vector<Thread> threads_;
};

}  // namespace

std::vector<u32> evaluated(const RandomProgram& program, const std::vector<u32>& input) {
    std::vector<u32> output;
    for (u32 block = 0; block < program.blocks; ++block) Block(program, input, block).store(output);
    return output;
}

}  // namespace gpushard::test
