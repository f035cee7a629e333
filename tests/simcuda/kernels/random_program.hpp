#pragma once

#include <cstdint>
#include <vector>

#include "simcuda/kernels/random_operations.hpp"

namespace gpushard::test {

struct RandomRegister {
    RegisterKind kind = RegisterKind::word;
    int index = 0;
};

struct RandomSource {
    bool is_immediate = false;
    RandomRegister place;
    std::uint64_t value = 0;
};

struct RandomStatement {
    enum class Kind : std::uint8_t {
        compute,       ///< `to` by `operation` of `sources`
        load_input,    ///< `to`, of the word of the input that sources[0] picks
        load_local,    ///< `to`, of the thread's own array at sources[0]
        store_local,   ///< sources[1] into it at sources[0]
        load_own,      ///< `to`, of the thread's own word of shared memory
        store_own,     ///< sources[0] into it
        load_others,   ///< `to`, of the word of shared memory of another thread, which sources[0] picks
        add_up,        ///< `to`, of what all threads add: sources[0] to the sum that sources[1] picks
        shuffle,       ///< `to`, of sources[0] of the lane that sources[1] names by `mode`, in segments of `width`;
                       ///< its lowest bit turned where that lane is in range
        ballot,        ///< `to`, the lanes for which `condition` holds
        any,           ///< `condition`, whether it holds for any lane
        all,           ///< `condition`, whether it holds for every lane
        branch,        ///< `first` where `condition` holds, else `second`
        repeat,        ///< `first`, `count` times
        repeat_lanes,  ///< `first`, as often as the low bits of sources[0] say, until `condition` holds
    };
    /// `present`: idx of 32 lanes, and the own lane where that one takes no part.
    enum class Mode : std::uint8_t { up, down, bfly, idx, present };

    Kind kind = Kind::compute;
    const RandomOperation* operation = nullptr;
    RandomRegister to;
    std::vector<RandomSource> sources;
    bool is_guarded = false;  ///< done only where `condition` holds
    bool negated = false;     ///< of the condition
    RandomRegister condition{RegisterKind::truth, 0};
    Mode mode = Mode::idx;
    int width = 32;
    int count = 0;
    std::vector<RandomStatement> first;
    std::vector<RandomStatement> second;
};

/// A kernel that is the same for all orders in which its threads may run: shuffles and votes name the lanes that take
/// part, and words of shared memory that others read are written behind barriers only.
struct RandomProgram {
    std::uint32_t blocks = 1;
    std::uint32_t threads = 1;  ///< a block
    std::vector<RandomStatement> statements;
};

inline constexpr int local_words = 8;
inline constexpr int sums_of_block = 4;
inline constexpr int input_words = 1024;
/// Of every thread: all its registers, two words for a wide one.
inline constexpr int output_words = 5 * registers_of_kind;
inline constexpr std::uint32_t most_repeats = 7;

RandomProgram random_program(std::uint64_t seed);

}  // namespace gpushard::test
