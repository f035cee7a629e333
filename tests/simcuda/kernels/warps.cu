// Shuffles, votes, barriers, fences, and what a thread knows of itself.
#include "simcuda/kernels/instruction_check.hpp"
#include "simcuda/kernels/numbers.hpp"
#include "simcuda/kernels/on_card.hpp"

namespace gpushard::test {
namespace {

std::vector<InstructionCheck>& checks() {
    static std::vector<InstructionCheck> all;
    return all;
}

constexpr u32 all_lanes = 0xffffffff;

/// What the lanes of one warp give to a shuffle or a vote.
struct Lanes {
    u32 mask[32];  ///< the lanes that it is done with; a lane whose mask has not itself takes no part
    u32 value[32];
    u32 b[32];
    u32 c[32];
};
struct LaneResults {
    u32 value[32];
    u32 predicate[32];
};

enum class Mode { up, down, bfly, idx };

#define SHUFFLE(NAME)                                                                                          \
    struct shuffle_##NAME {                                                                                    \
        static constexpr Mode mode = Mode::NAME;                                                               \
        static constexpr bool tells = true;                                                                    \
        static __device__ u32 apply(u32 value, u32 b, u32 c, u32 mask, u32& inside) {                          \
            u32 result;                                                                                        \
            asm volatile("{.reg .pred p; shfl.sync." #NAME ".b32 %0|p, %2, %3, %4, %5; selp.u32 %1, 1, 0, p;}" \
                         : "=r"(result), "=r"(inside)                                                          \
                         : "r"(value), "r"(b), "r"(c), "r"(mask)                                               \
                         : "memory");                                                                          \
            return result;                                                                                     \
        }                                                                                                      \
    };                                                                                                         \
    struct shuffle_##NAME##_alone {                                                                            \
        static constexpr Mode mode = Mode::NAME;                                                               \
        static constexpr bool tells = false;                                                                   \
        static __device__ u32 apply(u32 value, u32 b, u32 c, u32 mask, u32&) {                                 \
            u32 result;                                                                                        \
            asm volatile("shfl.sync." #NAME ".b32 %0, %1, %2, %3, %4;"                                         \
                         : "=r"(result)                                                                        \
                         : "r"(value), "r"(b), "r"(c), "r"(mask)                                               \
                         : "memory");                                                                          \
            return result;                                                                                     \
        }                                                                                                      \
    };
SHUFFLE(up)
SHUFFLE(down)
SHUFFLE(bfly)
SHUFFLE(idx)

template <typename Shuffle>
__global__ void shuffle(const Lanes* warps, LaneResults* to) {
    const u32 lane = threadIdx.x;
    const Lanes& in = warps[blockIdx.x];
    u32 value = 0;
    u32 inside = 0;
    if ((in.mask[lane] >> lane & 1U) != 0) {
        value = Shuffle::apply(in.value[lane], in.b[lane], in.c[lane], in.mask[lane], inside);
    }
    to[blockIdx.x].value[lane] = value;
    to[blockIdx.x].predicate[lane] = inside;
}

struct Source {
    u32 lane;
    bool inside;
};
Source source_of(Mode mode, u32 lane, u32 b, u32 c) {
    const u32 segment = c >> 8 & 31U;
    const u32 first = lane & segment;
    const u32 last = first | (c & 31U & ~segment);
    const s32 distance = static_cast<s32>(b & 31U);
    s32 from = 0;
    bool inside = false;
    switch (mode) {
        case Mode::up:
            from = static_cast<s32>(lane) - distance;
            inside = from >= static_cast<s32>(last);
            break;
        case Mode::down:
            from = static_cast<s32>(lane) + distance;
            inside = from <= static_cast<s32>(last);
            break;
        case Mode::bfly:
            from = static_cast<s32>(lane) ^ distance;
            inside = from <= static_cast<s32>(last);
            break;
        case Mode::idx:
            from = static_cast<s32>(first | (static_cast<u32>(distance) & ~segment));
            inside = from <= static_cast<s32>(last);
            break;
    }
    return {inside ? static_cast<u32>(from) : lane, inside};
}

/// Warps of which groups of `width` lanes exchange values: with a mask a group, with one for all, and with every second
/// group away.
std::vector<Lanes> shuffled_warps(Mode mode) {
    std::vector<Lanes> warps;
    Random random(32);
    for (const u32 width : {1U, 2U, 4U, 8U, 16U, 32U}) {
        const u32 first_group = width == 32 ? all_lanes : (1U << width) - 1U;
        u32 every_second = 0;
        for (u32 begin = 0; begin < 32; begin += 2 * width) every_second |= first_group << begin;
        for (int i = 0; i < 24; ++i) {
            Lanes warp{};
            // A butterfly may come from a group before its own, which must then take part.
            const bool within = i < 12 || (mode == Mode::bfly && i % 3 != 1);
            const u32 distance = static_cast<u32>(random() % (within ? width : 32U));
            for (u32 lane = 0; lane < 32; ++lane) {
                const u32 group = first_group << (lane / width * width);
                warp.mask[lane] = i % 3 == 0 ? group : i % 3 == 1 ? all_lanes : every_second;
                warp.value[lane] = static_cast<u32>(random());
                // Only five bits of it count.
                warp.b[lane] = mode == Mode::idx ? static_cast<u32>(random()) : distance | (i % 4 == 1 ? 64U : 0U);
                warp.c[lane] = (32U - width) << 8 | (mode == Mode::up ? 0U : 31U);
            }
            warps.push_back(warp);
        }
    }
    return warps;
}

template <typename Shuffle>
std::string mismatch_of_shuffle() {
    const std::vector<Lanes> warps = shuffled_warps(Shuffle::mode);
    const OnCard<Lanes> from(warps);
    const OnCard<LaneResults> to(warps.size());
    shuffle<Shuffle><<<static_cast<unsigned>(warps.size()), 32>>>(from.data(), to.data());
    const std::vector<LaneResults> found = to.values();
    for (std::size_t i = 0; i < warps.size(); ++i) {
        for (u32 lane = 0; lane < 32; ++lane) {
            Source source = source_of(Shuffle::mode, lane, warps[i].b[lane], warps[i].c[lane]);
            u32 expected = warps[i].value[source.lane];
            if ((warps[i].mask[lane] >> lane & 1U) == 0) {
                expected = 0;
                source.inside = false;
            }
            const bool right = found[i].value[lane] == expected;
            if (right && (!Shuffle::tells || found[i].predicate[lane] == (source.inside ? 1U : 0U))) continue;
            return "lane " + std::to_string(lane) + " of warp " + std::to_string(i) + " has " +
                   text_of(found[i].value[lane]) + " and " + std::to_string(found[i].predicate[lane]) + ", expected " +
                   text_of(expected) + " of lane " + std::to_string(source.lane);
        }
    }
    return "";
}

#define IS_CHECKED(NAME, SPELLED, ...) \
    [[maybe_unused]] const bool NAME##_is_checked = (checks().push_back({SPELLED, __VA_ARGS__}), true);
IS_CHECKED(up, "shfl.sync.up.b32", &mismatch_of_shuffle<shuffle_up>)
IS_CHECKED(down, "shfl.sync.down.b32", &mismatch_of_shuffle<shuffle_down>)
IS_CHECKED(bfly, "shfl.sync.bfly.b32", &mismatch_of_shuffle<shuffle_bfly>)
IS_CHECKED(idx, "shfl.sync.idx.b32", &mismatch_of_shuffle<shuffle_idx>)
IS_CHECKED(up_alone, "shfl.sync.up.b32", &mismatch_of_shuffle<shuffle_up_alone>)
IS_CHECKED(down_alone, "shfl.sync.down.b32", &mismatch_of_shuffle<shuffle_down_alone>)
IS_CHECKED(bfly_alone, "shfl.sync.bfly.b32", &mismatch_of_shuffle<shuffle_bfly_alone>)
IS_CHECKED(idx_alone, "shfl.sync.idx.b32", &mismatch_of_shuffle<shuffle_idx_alone>)

struct vote_all {
    static __device__ u32 apply(u32 value, u32 mask) {
        u32 result;
        asm volatile("{.reg .pred p, q; setp.ne.s32 p, %1, 0; vote.sync.all.pred q, p, %2; selp.u32 %0, 1, 0, q;}"
                     : "=r"(result)
                     : "r"(value), "r"(mask)
                     : "memory");
        return result;
    }
    static u32 expect(u32 said, u32 mask) { return said == mask ? 1 : 0; }
};
struct vote_any {
    static __device__ u32 apply(u32 value, u32 mask) {
        u32 result;
        asm volatile("{.reg .pred p, q; setp.ne.s32 p, %1, 0; vote.sync.any.pred q, p, %2; selp.u32 %0, 1, 0, q;}"
                     : "=r"(result)
                     : "r"(value), "r"(mask)
                     : "memory");
        return result;
    }
    static u32 expect(u32 said, u32) { return said != 0 ? 1 : 0; }
};
struct vote_not_any {
    static __device__ u32 apply(u32 value, u32 mask) {
        u32 result;
        asm volatile("{.reg .pred p, q; setp.ne.s32 p, %1, 0; vote.sync.any.pred q, !p, %2; selp.u32 %0, 1, 0, q;}"
                     : "=r"(result)
                     : "r"(value), "r"(mask)
                     : "memory");
        return result;
    }
    static u32 expect(u32 said, u32 mask) { return said != mask ? 1 : 0; }
};
struct vote_uni {
    static __device__ u32 apply(u32 value, u32 mask) {
        u32 result;
        asm volatile("{.reg .pred p, q; setp.ne.s32 p, %1, 0; vote.sync.uni.pred q, p, %2; selp.u32 %0, 1, 0, q;}"
                     : "=r"(result)
                     : "r"(value), "r"(mask)
                     : "memory");
        return result;
    }
    static u32 expect(u32 said, u32 mask) { return said == 0 || said == mask ? 1 : 0; }
};
struct vote_ballot {
    static __device__ u32 apply(u32 value, u32 mask) {
        u32 result;
        asm volatile("{.reg .pred p; setp.ne.s32 p, %1, 0; vote.sync.ballot.b32 %0, p, %2;}"
                     : "=r"(result)
                     : "r"(value), "r"(mask)
                     : "memory");
        return result;
    }
    static u32 expect(u32 said, u32) { return said; }
};

template <typename Vote>
__global__ void vote(const Lanes* warps, u32* to) {
    const u32 lane = threadIdx.x;
    const Lanes& in = warps[blockIdx.x];
    u32 value = 77;
    if ((in.mask[lane] >> lane & 1U) != 0) value = Vote::apply(in.value[lane], in.mask[lane]);
    to[blockIdx.x * 32 + lane] = value;
}

template <typename Vote>
std::string mismatch_of_vote() {
    Random random(5);
    std::vector<Lanes> warps(120);
    for (std::size_t i = 0; i < warps.size(); ++i) {
        const u32 one_group = i % 4 == 0 ? all_lanes : static_cast<u32>(random());
        const u32 said = i % 3 == 0 ? 0 : i % 3 == 1 ? all_lanes : static_cast<u32>(random() & random());
        for (u32 lane = 0; lane < 32; ++lane) {
            // Some warps vote in two groups at once.
            const bool in_group = (one_group >> lane & 1U) != 0;
            warps[i].mask[lane] = in_group ? one_group : i % 2 == 1 ? ~one_group : 0;
            warps[i].value[lane] = said >> lane & 1U;
        }
    }
    const OnCard<Lanes> from(warps);
    const OnCard<u32> to(32 * warps.size());
    vote<Vote><<<static_cast<unsigned>(warps.size()), 32>>>(from.data(), to.data());
    const std::vector<u32> found = to.values();
    for (std::size_t i = 0; i < warps.size(); ++i) {
        u32 said = 0;
        for (u32 lane = 0; lane < 32; ++lane) said |= warps[i].value[lane] << lane;
        for (u32 lane = 0; lane < 32; ++lane) {
            const u32 mask = warps[i].mask[lane];
            const u32 expected = (mask >> lane & 1U) != 0 ? Vote::expect(said & mask, mask) : 77;
            if (found[32 * i + lane] == expected) continue;
            return "lane " + std::to_string(lane) + " of warp " + std::to_string(i) + " has " +
                   text_of(found[32 * i + lane]) + ", expected " + text_of(expected);
        }
    }
    return "";
}
IS_CHECKED(all, "vote.sync.all.pred", &mismatch_of_vote<vote_all>)
IS_CHECKED(any, "vote.sync.any.pred", &mismatch_of_vote<vote_any>)
IS_CHECKED(not_any, "vote.sync.any.pred", &mismatch_of_vote<vote_not_any>)
IS_CHECKED(uni, "vote.sync.uni.pred", &mismatch_of_vote<vote_uni>)
IS_CHECKED(ballot, "vote.sync.ballot.b32", &mismatch_of_vote<vote_ballot>)

/// Every thread reads what the thread opposite in the block, or in its warp, wrote.
template <bool of_block>
__global__ void exchange(const u32* from, u32* to) {
    __shared__ u32 values[160];
    const u32 thread = threadIdx.x;
    const u32 other = of_block ? blockDim.x - 1 - thread : thread ^ 31U;
    for (u32 round = 0; round < 3; ++round) {
        values[thread] = from[thread] + round;
        if (of_block) {
            asm volatile("bar.sync 0;" : : : "memory");
        } else {
            asm volatile("membar.cta; bar.warp.sync -1;" : : : "memory");
        }
        const u32 value = values[other];
        to[round * blockDim.x + thread] = value;
        if (of_block) {
            asm volatile("bar.sync 0;" : : : "memory");
        } else {
            asm volatile("bar.warp.sync -1;" : : : "memory");
        }
    }
}
template <bool of_block>
std::string mismatch_of_exchange() {
    constexpr u32 threads = 160;
    std::vector<u32> values(threads);
    for (u32 i = 0; i < threads; ++i) values[i] = i * 7919U;
    const OnCard<u32> from(values);
    const OnCard<u32> to(3 * threads);
    exchange<of_block><<<1, threads>>>(from.data(), to.data());
    const std::vector<u32> found = to.values();
    for (u32 i = 0; i < 3 * threads; ++i) {
        const u32 thread = i % threads;
        const u32 expected = values[of_block ? threads - 1 - thread : thread ^ 31U] + i / threads;
        if (found[i] != expected) return "thread " + std::to_string(thread) + " has " + text_of(found[i]);
    }
    return "";
}
IS_CHECKED(block_barrier, "bar.sync", &mismatch_of_exchange<true>)
IS_CHECKED(warp_barrier, "bar.warp.sync", &mismatch_of_exchange<false>)

/// Some lanes of a warp meet, twice, while the others do something else.
__global__ void meet_in_halves(const u32* from, u32* to) {
    __shared__ u32 values[32];
    const u32 lane = threadIdx.x;
    values[lane] = from[lane];
    if (lane < 12) {
        asm volatile("bar.warp.sync 4095;" : : : "memory");
        to[lane] = values[11 - lane];
        asm volatile("bar.warp.sync 4095;" : : : "memory");
        values[lane] = 1;
    } else {
        asm volatile("bar.warp.sync %0;" : : "r"(0xfffff000U) : "memory");
        to[lane] = values[43 - lane];
    }
}
std::string mismatch_of_halves() {
    std::vector<u32> values(32);
    for (u32 i = 0; i < 32; ++i) values[i] = i + 100;
    const OnCard<u32> from(values);
    const OnCard<u32> to(32);
    meet_in_halves<<<1, 32>>>(from.data(), to.data());
    const std::vector<u32> found = to.values();
    for (u32 i = 0; i < 32; ++i) {
        if (found[i] != (i < 12 ? 111 - i : 143 - i)) return "lane " + std::to_string(i) + " has " + text_of(found[i]);
    }
    return "";
}
IS_CHECKED(halves, "bar.warp.sync", &mismatch_of_halves)

/// What changes no value: the sum after it is right.
__global__ void wait_and_fetch(const u32* from, u32* to) {
    u32 value = from[threadIdx.x];
    asm volatile("prefetch.global.L2 [%0];" : : "l"(__cvta_generic_to_global(from)) : "memory");
    asm volatile("nanosleep.u32 %0;" : : "r"(value) : "memory");
    asm volatile("nanosleep.u32 20;" : : : "memory");
    asm volatile("membar.cta;" : : : "memory");
    asm volatile("membar.gl;" : : : "memory");
    to[threadIdx.x] = value + 1;
}
std::string mismatch_after_waiting() {
    const OnCard<u32> from(std::vector<u32>(40, 8));
    const OnCard<u32> to(40);
    wait_and_fetch<<<1, 40>>>(from.data(), to.data());
    for (const u32 value : to.values()) {
        if (value != 9) return "is " + text_of(value);
    }
    return "";
}
IS_CHECKED(waiting, "nanosleep.u32", &mismatch_after_waiting)
IS_CHECKED(fetching, "prefetch.global.L2", &mismatch_after_waiting)
IS_CHECKED(fences, "membar.cta", &mismatch_after_waiting)

/// What a thread knows of itself, by the names of the registers.
constexpr int known = 20;
__global__ void tell(u32* to) {
    const u32 block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    const u32 thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    u32* const facts = to + (block * blockDim.x * blockDim.y * blockDim.z + thread) * known;
#define TELL(place, name) asm volatile("mov.u32 %0, %%" name ";" : "=r"(facts[place]))
    TELL(0, "tid.x");
    TELL(1, "tid.y");
    TELL(2, "tid.z");
    TELL(3, "ntid.x");
    TELL(4, "ntid.y");
    TELL(5, "ntid.z");
    TELL(6, "ctaid.x");
    TELL(7, "ctaid.y");
    TELL(8, "ctaid.z");
    TELL(9, "nctaid.x");
    TELL(10, "nctaid.y");
    TELL(11, "nctaid.z");
    TELL(12, "laneid");
    TELL(13, "warpid");
    TELL(14, "lanemask_eq");
    TELL(15, "lanemask_lt");
    TELL(16, "lanemask_le");
    TELL(17, "lanemask_gt");
    TELL(18, "lanemask_ge");
    facts[19] = static_cast<u32>(warpSize);
#undef TELL
}
std::string mismatch_of_knowledge() {
    const std::vector<std::pair<dim3, dim3>> shapes{{{1, 1, 1}, {1, 1, 1}},
                                                    {{5, 1, 1}, {33, 1, 1}},
                                                    {{3, 4, 1}, {7, 6, 1}},
                                                    {{2, 3, 4}, {5, 4, 3}},
                                                    {{1, 1, 2}, {1024, 1, 1}}};
    for (const auto& [grid, block] : shapes) {
        const u32 threads = block.x * block.y * block.z;
        const u32 blocks = grid.x * grid.y * grid.z;
        const OnCard<u32> to(std::size_t{threads} * blocks * known);
        tell<<<grid, block>>>(to.data());
        const std::vector<u32> found = to.values();
        for (u32 i = 0; i < threads * blocks; ++i) {
            const u32 thread = i % threads;
            const u32 place = i / threads;
            const u32 lane = thread % 32;
            const u32 own = 1U << lane;
            const u32 expected[known] = {thread % block.x,
                                         thread / block.x % block.y,
                                         thread / block.x / block.y,
                                         block.x,
                                         block.y,
                                         block.z,
                                         place % grid.x,
                                         place / grid.x % grid.y,
                                         place / grid.x / grid.y,
                                         grid.x,
                                         grid.y,
                                         grid.z,
                                         lane,
                                         thread / 32,
                                         own,
                                         own - 1,
                                         own | (own - 1),
                                         ~(own | (own - 1)),
                                         ~(own - 1),
                                         32};
            for (u32 fact = 0; fact < known; ++fact) {
                if (found[i * known + fact] == expected[fact]) continue;
                return "fact " + std::to_string(fact) + " of thread " + std::to_string(thread) + " of block " +
                       std::to_string(place) + " is " + text_of(found[i * known + fact]) + ", expected " +
                       text_of(expected[fact]);
            }
        }
    }
    return "";
}
IS_CHECKED(knowledge, "mov.u32", &mismatch_of_knowledge)

}  // namespace

const std::vector<InstructionCheck>& warp_checks() { return checks(); }

}  // namespace gpushard::test
