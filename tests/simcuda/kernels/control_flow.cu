// Threads of a warp that part and meet again. What needs no other thread is one function for the card and for the CPU.
#include <algorithm>
#include <cstddef>

#include "simcuda/kernels/instruction_check.hpp"
#include "simcuda/kernels/numbers.hpp"
#include "simcuda/kernels/on_card.hpp"

namespace gpushard::test {
namespace {

std::vector<InstructionCheck>& checks() {
    static std::vector<InstructionCheck> all;
    return all;
}

#define IS_CHECKED(NAME, WHAT, ...) \
    [[maybe_unused]] const bool NAME##_is_checked = (checks().push_back({WHAT, __VA_ARGS__}), true);

template <typename Body>
__global__ void run_each(u32 count, u32* to) {
    const u32 thread = blockIdx.x * blockDim.x + threadIdx.x;
    if (thread >= count) return;
    to[thread] = Body::of(thread);
}
template <typename Body>
std::string mismatch_of() {
    constexpr u32 count = 1000;
    const OnCard<u32> to(count);
    run_each<Body><<<(count + 129) / 130, 130>>>(count, to.data());
    const std::vector<u32> found = to.values();
    for (u32 thread = 0; thread < count; ++thread) {
        const u32 expected = Body::of(thread);
        if (found[thread] == expected) continue;
        return "thread " + std::to_string(thread) + " has " + text_of(found[thread]) + ", expected " +
               text_of(expected);
    }
    return "";
}

__host__ __device__ inline u32 mixed(u32 value) {
    value ^= value >> 16;
    value *= 0x7feb352dU;
    value ^= value >> 15;
    value *= 0x846ca68bU;
    return value ^ value >> 16;
}

struct TwoWays {
    static __host__ __device__ u32 of(u32 thread) {
        u32 value = mixed(thread);
        if ((value & 1U) != 0) {
            for (u32 i = 0; i < 5; ++i) value = mixed(value + i);
        } else {
            value = value / 3 + thread;
        }
        return value + 1;
    }
};
struct Nested {
    static __host__ __device__ u32 of(u32 thread) {
        u32 value = mixed(thread);
        if (thread % 2 == 0) {
            if (thread % 3 == 0) {
                for (u32 i = 0; i < thread % 7; ++i) value = mixed(value);
            } else if (thread % 5 == 0) {
                value += 17;
                if (value % 4 == 1) value = mixed(value) ^ 5U;
            }
            value = mixed(value);
        } else if (thread % 11 < 4) {
            value -= thread;
        }
        return value;
    }
};
struct OwnTripCounts {
    static __host__ __device__ u32 of(u32 thread) {
        u32 value = 1;
        for (u32 i = 0; i < mixed(thread) % 50; ++i) value = value * 31U + i;
        return value;
    }
};
struct LoopsInLoops {
    static __host__ __device__ u32 of(u32 thread) {
        u32 value = thread;
        for (u32 i = 0; i < thread % 6; ++i) {
            for (u32 j = i; j < mixed(i + thread) % 9; ++j) {
                if (mixed(value) % 5 == 0) continue;
                value = mixed(value + j);
                if (value % 13 == 0) break;
            }
            if (value % 17 == 3) break;
            value += i;
        }
        return value;
    }
};
struct EarlyReturns {
    static __host__ __device__ u32 of(u32 thread) {
        u32 value = mixed(thread);
        if (value % 7 == 0) return 7;
        for (u32 i = 0; i < 20; ++i) {
            value = mixed(value);
            if (value % 16 == 0) return i;
        }
        return value;
    }
};
struct Choices {
    static __host__ __device__ u32 of(u32 thread) {
        u32 value = mixed(thread);
        for (u32 i = 0; i < 4; ++i) {
            switch (value % 12) {
                case 0:
                    value += 3;
                    [[fallthrough]];
                case 1:
                    value = mixed(value);
                    break;
                case 2:
                    for (u32 j = 0; j < thread % 4; ++j) value += mixed(j);
                    break;
                case 5:
                    return value;
                case 7:
                    value /= 5;
                    break;
                case 8:
                    value ^= thread;
                    break;
                case 9:
                    value = thread * 77U;
                    break;
                case 11:
                    value >>= 3;
                    break;
                default:
                    value += 1;
            }
        }
        return value;
    }
};
struct Collatz {
    static __host__ __device__ u32 of(u32 thread) {
        u32 value = thread + 1;
        u32 steps = 0;
        while (value != 1) {
            value = value % 2 == 0 ? value / 2 : 3 * value + 1;
            ++steps;
        }
        return steps;
    }
};
/// A local array that is indexed by what it holds.
struct LocalArrays {
    static __host__ __device__ u32 of(u32 thread) {
        u32 next[12];
        u64 sums[3] = {};
        for (u32 i = 0; i < 12; ++i) next[i] = mixed(thread + i) % 12;
        u32 at = thread % 12;
        for (u32 i = 0; i < 20; ++i) {
            sums[at % 3] += mixed(at) * u64{i};
            const u32 from = at;
            at = next[at];
            next[from] = (at + 1) % 12;
        }
        return static_cast<u32>(sums[0] ^ sums[1] >> 7 ^ sums[2] >> 20) + at;
    }
};
IS_CHECKED(two_ways, "if and else", &mismatch_of<TwoWays>)
IS_CHECKED(nested, "branches in branches", &mismatch_of<Nested>)
IS_CHECKED(own_trip_counts, "a trip count a lane", &mismatch_of<OwnTripCounts>)
IS_CHECKED(loops_in_loops, "break and continue", &mismatch_of<LoopsInLoops>)
IS_CHECKED(early_returns, "early return", &mismatch_of<EarlyReturns>)
IS_CHECKED(choices, "switch", &mismatch_of<Choices>)
IS_CHECKED(collatz, "while", &mismatch_of<Collatz>)
IS_CHECKED(local_arrays, "local arrays", &mismatch_of<LocalArrays>)

/// Threads that leave early while the others of the block meet at barriers.
__global__ void leave_before_barriers(u32 staying, u32* to) {
    __shared__ u32 values[128];
    const u32 thread = threadIdx.x;
    if (thread >= staying) return;
    for (u32 i = 0; i < 3; ++i) {
        values[thread] = thread + i;
        __syncthreads();
        const u32 value = values[(thread + 1) % staying];
        __syncthreads();
        to[thread * 3 + i] = value;
    }
}
std::string mismatch_after_leaving() {
    for (const u32 staying : {128U, 97U, 64U, 33U, 5U}) {
        const OnCard<u32> to(3 * staying);
        leave_before_barriers<<<1, 128>>>(staying, to.data());
        const std::vector<u32> found = to.values();
        for (u32 i = 0; i < 3 * staying; ++i) {
            if (found[i] != (i / 3 + 1) % staying + i % 3)
                return "of " + std::to_string(staying) + " " + text_of(found[i]);
        }
    }
    return "";
}
IS_CHECKED(leaving, "threads that leave before a barrier", &mismatch_after_leaving)

/// A tree in shared memory, of a size that the launch gives, then shuffles; blocks of any number of threads.
__global__ void add_up(const u32* from, u32 count, u32* to) {
    extern __shared__ u32 partial[];
    const u32 thread = threadIdx.x;
    u32 sum = 0;
    for (u32 i = blockIdx.x * blockDim.x + thread; i < count; i += gridDim.x * blockDim.x) sum += from[i];
    partial[thread] = sum;
    __syncthreads();
    for (u32 width = 512; width >= 32; width /= 2) {
        if (thread < width && thread + width < blockDim.x) partial[thread] += partial[thread + width];
        __syncthreads();
    }
    if (thread >= 32) return;
    const u32 present = __ballot_sync(blockDim.x >= 32 ? 0xffffffffU : (1U << blockDim.x) - 1U, 1);
    sum = partial[thread];
    for (u32 distance = 16; distance > 0; distance /= 2) {
        const u32 other = __shfl_down_sync(present, sum, distance);
        if (thread + distance < min(32U, blockDim.x)) sum += other;
    }
    if (thread == 0) to[blockIdx.x] = sum;
}
std::string mismatch_of_sums() {
    constexpr u32 count = 5000;
    std::vector<u32> values(count);
    u32 expected = 0;
    for (u32 i = 0; i < count; ++i) expected += values[i] = mixed(i);
    const OnCard<u32> from(values);
    for (const u32 threads : {32U, 64U, 100U, 256U, 1000U, 1024U}) {
        for (const u32 blocks : {1U, 7U}) {
            const OnCard<u32> to(blocks);
            add_up<<<blocks, threads, threads * sizeof(u32)>>>(from.data(), count, to.data());
            u32 sum = 0;
            for (const u32 part : to.values()) sum += part;
            if (sum != expected) return std::to_string(threads) + " threads: " + text_of(sum);
        }
    }
    return "";
}
IS_CHECKED(sums, "sums in dynamic shared memory", &mismatch_of_sums)

/// Both sides of a branch exchange values among themselves, in loops of their own length.
__global__ void exchange_apart(const u32* from, u32* to) {
    const u32 lane = threadIdx.x % 32;
    u32 value = from[threadIdx.x];
    if (lane % 4 == 1) {
        for (u32 i = 0; i < 3; ++i) value += __shfl_sync(0x22222222U, value, (lane + 4) % 32);
    } else if (lane >= 16) {
        const u32 mask = 0xdddd0000U;
        for (u32 i = 0; i < 5; ++i) {
            const u32 odd = __ballot_sync(mask, value & 1U);
            value = value * 3U + odd + (__any_sync(mask, value > 0xf0000000U) ? 1U : 0U);
        }
    } else {
        __syncwarp(0x0000ddddU);
        if (__all_sync(0x0000ddddU, value != 0)) value ^= __shfl_xor_sync(0x0000ddddU, value, 8);
    }
    __syncwarp();
    to[threadIdx.x] = value + __shfl_up_sync(0xffffffffU, value, 3);
}
std::string mismatch_of_apart() {
    constexpr u32 threads = 96;
    std::vector<u32> values(threads);
    for (u32 i = 0; i < threads; ++i) values[i] = mixed(i + 1);
    const OnCard<u32> from(values);
    const OnCard<u32> to(threads);
    exchange_apart<<<1, threads>>>(from.data(), to.data());
    const std::vector<u32> found = to.values();
    for (u32 warp = 0; warp < threads; warp += 32) {
        u32* const value = values.data() + warp;
        for (u32 i = 0; i < 3; ++i) {
            std::vector<u32> before(value, value + 32);
            for (u32 lane = 1; lane < 32; lane += 4) value[lane] += before[(lane + 4) % 32];
        }
        for (u32 i = 0; i < 5; ++i) {
            u32 odd = 0;
            u32 large = 0;
            for (u32 lane = 16; lane < 32; ++lane) {
                if (lane % 4 == 1) continue;
                odd |= (value[lane] & 1U) << lane;
                if (value[lane] > 0xf0000000U) large = 1;
            }
            for (u32 lane = 16; lane < 32; ++lane) {
                if (lane % 4 != 1) value[lane] = value[lane] * 3U + odd + large;
            }
        }
        const std::vector<u32> before(value, value + 32);
        bool all = true;
        for (u32 lane = 0; lane < 16; ++lane) all = all && (lane % 4 == 1 || before[lane] != 0);
        for (u32 lane = 0; lane < 16 && all; ++lane) {
            if (lane % 4 != 1) value[lane] ^= before[lane ^ 8U];
        }
        for (u32 lane = 0; lane < 32; ++lane) {
            const u32 expected = value[lane] + value[lane < 3 ? lane : lane - 3];
            if (found[warp + lane] != expected) {
                return "lane " + std::to_string(lane) + " has " + text_of(found[warp + lane]) + ", expected " +
                       text_of(expected);
            }
        }
    }
    return "";
}
IS_CHECKED(apart, "shuffles and votes on both sides of a branch", &mismatch_of_apart)

/// Which lanes are together where they have parted for good reasons, and which have the same value.
__global__ void find_peers(const u32* from, u32* to) {
    const u32 lane = threadIdx.x;
    const u32 value = from[lane];
    u32 together = 0;
    if (lane % 3 == 0) {
        asm volatile("activemask.b32 %0;" : "=r"(together));
    }
    to[3 * lane] = together;
    to[3 * lane + 1] = __match_any_sync(0xffffffffU, value);
    int all = 0;
    u32 same = 0;
    if (lane < 8) same = __match_all_sync(0x000000ffU, value / 100, &all);
    to[3 * lane + 2] = same + (all != 0 ? 1U : 0U);
}
std::string mismatch_of_peers() {
    std::vector<u32> values(32);
    for (u32 i = 0; i < 32; ++i) values[i] = mixed(i) % 5;
    const OnCard<u32> from(values);
    const OnCard<u32> to(96);
    find_peers<<<1, 32>>>(from.data(), to.data());
    const std::vector<u32> found = to.values();
    for (u32 lane = 0; lane < 32; ++lane) {
        u32 peers = 0;
        for (u32 other = 0; other < 32; ++other) peers |= (values[other] == values[lane] ? 1U : 0U) << other;
        if (found[3 * lane] != (lane % 3 == 0 ? 0x49249249U : 0U)) return "together: " + text_of(found[3 * lane]);
        if (found[3 * lane + 1] != peers) return "match.any: " + text_of(found[3 * lane + 1]);
        if (found[3 * lane + 2] != (lane < 8 ? 0x100U : 0U)) return "match.all: " + text_of(found[3 * lane + 2]);
    }
    return "";
}
IS_CHECKED(peers, "activemask and match", &mismatch_of_peers)

__device__ u32 counted[4] = {1, 2, 3, 4};
__device__ f32 factor = 2.5f;
__device__ u64 never_set;
__constant__ s32 table[6] = {-1, 20, -300, 4000, -50000, 600000};
__constant__ u16 small_table[3];
/// Holds the address of another.
__device__ u32* where = &counted[2];

__global__ void use_variables(u32* to) {
    const u32 thread = threadIdx.x;
    to[thread] = static_cast<u32>(table[thread % 6]) + small_table[thread % 3] +
                 static_cast<u32>(factor * static_cast<f32>(thread)) + *where;
    if (thread < 4) counted[thread] += thread + 1;
    if (thread == 4) never_set = never_set + 5;
}
std::string mismatch_of_variables() {
    const u16 small[3] = {7, 65535, 9};
    check(cudaMemcpyToSymbol(small_table, small, sizeof small), "cudaMemcpyToSymbol");
    const f32 new_factor = 0.75f;
    check(cudaMemcpyToSymbol(factor, &new_factor, sizeof new_factor), "cudaMemcpyToSymbol");
    const s32 expected_table[6] = {-1, 20, -300, 4000, 77, 600000};
    check(cudaMemcpyToSymbol(table, &expected_table[4], sizeof(s32), 4 * sizeof(s32)), "cudaMemcpyToSymbol");
    u32 before[4];
    check(cudaMemcpyFromSymbol(before, counted, sizeof before), "cudaMemcpyFromSymbol");
    const OnCard<u32> to(32);
    use_variables<<<1, 32>>>(to.data());
    const std::vector<u32> found = to.values();
    u32 after[4];
    check(cudaMemcpyFromSymbol(after, counted, sizeof after), "cudaMemcpyFromSymbol");
    for (u32 i = 0; i < 4; ++i) {
        if (before[i] != i + 1 || after[i] != 2 * (i + 1)) return "counted: " + text_of(after[i]);
    }
    u64 set = 0;
    check(cudaMemcpyFromSymbol(&set, never_set, sizeof set), "cudaMemcpyFromSymbol");
    if (set != 5) return "never_set: " + text_of(set);
    for (u32 thread = 0; thread < 32; ++thread) {
        const u32 expected = static_cast<u32>(expected_table[thread % 6]) + small[thread % 3] +
                             static_cast<u32>(new_factor * static_cast<f32>(thread)) + 3;
        if (found[thread] != expected) return "thread " + std::to_string(thread) + " has " + text_of(found[thread]);
    }
    void* address = nullptr;
    check(cudaGetSymbolAddress(&address, counted), "cudaGetSymbolAddress");
    const u32 seven = 7;
    check(cudaMemcpy(static_cast<u32*>(address) + 2, &seven, sizeof seven, cudaMemcpyHostToDevice), "cudaMemcpy");
    use_variables<<<1, 1>>>(to.data());
    if (to.values()[0] != static_cast<u32>(expected_table[0]) + small[0] + 7)
        return "after the copy " + text_of(to.values()[0]);
    // As the next one expects it.
    const u32 first[4] = {1, 2, 3, 4};
    check(cudaMemcpyToSymbol(counted, first, sizeof first), "cudaMemcpyToSymbol");
    set = 0;
    check(cudaMemcpyToSymbol(never_set, &set, sizeof set), "cudaMemcpyToSymbol");
    return "";
}
IS_CHECKED(variables, "variables of the module", &mismatch_of_variables)

/// One block after the other looks back at what those before it left, as CUB's scans do.
__global__ void look_back(u32 tiles, u32* ready, u32* sums) {
    if (threadIdx.x != 0) return;
    const u32 tile = blockIdx.x;
    u32 before = 0;
    if (tile > 0) {
        while (atomicAdd(&ready[tile - 1], 0U) == 0) __nanosleep(100);
        __threadfence();
        before = static_cast<volatile u32*>(sums)[tile - 1];
    }
    static_cast<volatile u32*>(sums)[tile] = before + tile;
    __threadfence();
    if (tile < tiles) atomicExch(&ready[tile], 1U);
}
std::string mismatch_of_look_back() {
    constexpr u32 tiles = 50;
    const OnCard<u32> ready(std::vector<u32>(tiles, 0));
    const OnCard<u32> sums(tiles);
    look_back<<<tiles, 64>>>(tiles, ready.data(), sums.data());
    const std::vector<u32> found = sums.values();
    for (u32 tile = 0; tile < tiles; ++tile) {
        if (found[tile] != tile * (tile + 1) / 2)
            return "tile " + std::to_string(tile) + " has " + text_of(found[tile]);
    }
    return "";
}
IS_CHECKED(looking_back, "blocks that wait for earlier ones", &mismatch_of_look_back)

}  // namespace

const std::vector<InstructionCheck>& control_flow_checks() { return checks(); }

}  // namespace gpushard::test
