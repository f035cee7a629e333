// Kernels with one mistake each, and what the report of it says.
#include "simcuda/kernels/mistakes.hpp"
#include "simcuda/kernels/numbers.hpp"
#include "simcuda/kernels/on_card.hpp"

namespace gpushard::test {
namespace {

std::vector<u32> numbers(std::size_t count) {
    std::vector<u32> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<u32>(i);
    return values;
}

__global__ void read_one_byte_behind(const u8* bytes, u8* to) { to[threadIdx.x] = bytes[threadIdx.x]; }
void one_byte_behind() {
    const OnCard<u8> bytes(std::vector<u8>(61, 1));
    const OnCard<u8> to(64);
    read_one_byte_behind<<<1, 62>>>(bytes.data(), to.data());
    finish("read_one_byte_behind");
}

__global__ void write_far_away(u32* values, u64 distance) {
    if (blockIdx.x == 2 && threadIdx.x == 7 && threadIdx.y == 3) values[distance] = 1;
}
void far_away() {
    const OnCard<u32> values(numbers(16));
    write_far_away<<<3, dim3(8, 4)>>>(values.data(), u64{1} << 33);
    finish("write_far_away");
}

__global__ void write_half_outside(u64* values) { values[threadIdx.x] = 5; }
void half_outside() {
    const OnCard<u8> bytes(std::size_t{8 * 32 + 4});
    write_half_outside<<<1, 33>>>(reinterpret_cast<u64*>(bytes.data()));
    finish("write_half_outside");
}

__global__ void use_after_free(const u32* values, u32* to) { to[0] = values[3]; }
void after_free() {
    const OnCard<u32> to(1);
    const u32* freed = nullptr;
    {
        const OnCard<u32> values(numbers(8));
        freed = values.data();
    }
    use_after_free<<<1, 1>>>(freed, to.data());
    finish("use_after_free");
}

__global__ void read_through_null(const u32* values, u32* to) { to[0] = values[2]; }
void through_null() {
    const OnCard<u32> to(1);
    read_through_null<<<1, 1>>>(nullptr, to.data());
    finish("read_through_null");
}

__global__ void read_host_memory(const u32* values, u32* to) { to[0] = values[0]; }
void host_memory() {
    const OnCard<u32> to(1);
    const u32 on_stack = 3;
    read_host_memory<<<1, 1>>>(&on_stack, to.data());
    finish("read_host_memory");
}

__global__ void read_other_card(const u32* values, u32* to) { to[threadIdx.x] = values[threadIdx.x]; }
void other_card() {
    check(cudaSetDevice(1), "cudaSetDevice");
    const OnCard<u32> values(numbers(4));
    check(cudaSetDevice(0), "cudaSetDevice");
    const OnCard<u32> to(4);
    read_other_card<<<1, 4>>>(values.data(), to.data());
    finish("read_other_card");
}

__global__ void read_before_shared(u32* to, int index) {
    __shared__ u32 values[32];
    values[threadIdx.x] = 1;
    __syncthreads();
    to[threadIdx.x] = values[index + static_cast<int>(threadIdx.x)];
}
void before_shared() {
    const OnCard<u32> to(32);
    read_before_shared<<<1, 32>>>(to.data(), -2);
    finish("read_before_shared");
}

__global__ void write_behind_dynamic_shared(u32* to) {
    extern __shared__ u32 dynamic_values[];
    dynamic_values[threadIdx.x] = threadIdx.x;
    __syncthreads();
    to[threadIdx.x] = dynamic_values[threadIdx.x ^ 1U];
}
void behind_dynamic_shared() {
    const OnCard<u32> to(48);
    write_behind_dynamic_shared<<<1, 48, 40 * sizeof(u32)>>>(to.data());
    finish("write_behind_dynamic_shared");
}

__global__ void read_misaligned(const u8* bytes, u32* to) {
    to[threadIdx.x] = *reinterpret_cast<const u32*>(bytes + 4 * threadIdx.x + (threadIdx.x == 9 ? 2 : 0));
}
void misaligned() {
    const OnCard<u8> bytes(std::vector<u8>(128, 1));
    const OnCard<u32> to(16);
    read_misaligned<<<1, 16>>>(bytes.data(), to.data());
    finish("read_misaligned");
}

__global__ void read_misaligned_shared(u32* to) {
    __shared__ u32 values[8];
    values[threadIdx.x] = 1;
    __syncthreads();
    const u8* const bytes = reinterpret_cast<const u8*>(values) + threadIdx.x;
    to[threadIdx.x] = *reinterpret_cast<const u16*>(bytes);
}
void misaligned_shared() {
    const OnCard<u32> to(8);
    read_misaligned_shared<<<1, 8>>>(to.data());
    finish("read_misaligned_shared");
}

__global__ void write_misaligned_vector(float* values) {
    *reinterpret_cast<float4*>(values + 4 * threadIdx.x + 2) = make_float4(1, 2, 3, 4);
}
void misaligned_vector() {
    const OnCard<float> values(64);
    write_misaligned_vector<<<1, 2>>>(values.data());
    finish("write_misaligned_vector");
}

__global__ void read_never_written(const u32* values, u32* to) {
    const u32 thread = blockIdx.x * blockDim.x + threadIdx.x;
    to[thread] = values[thread];
}
void never_written() {
    const OnCard<u32> values(64);
    check(cudaMemset(values.data(), 0, 50 * sizeof(u32)), "cudaMemset");
    const OnCard<u32> to(64);
    read_never_written<<<2, 32>>>(values.data(), to.data());
    read_never_written<<<1, 51>>>(values.data(), to.data());
    finish("read_never_written");
}

__global__ void read_never_written_shared(u32* to) {
    __shared__ u32 values[64];
    if (threadIdx.x != 20) values[threadIdx.x] = threadIdx.x;
    __syncthreads();
    to[threadIdx.x] = values[63 - threadIdx.x];
}
void never_written_shared() {
    const OnCard<u32> to(64);
    read_never_written_shared<<<1, 64>>>(to.data());
    finish("read_never_written_shared");
}

__global__ void read_what_the_last_block_left(u32* to) {
    __shared__ u32 values[2];
    if (blockIdx.x == 0) values[threadIdx.x] = 5;
    __syncwarp();
    to[2 * blockIdx.x + threadIdx.x] = values[1 - threadIdx.x];
}
void last_blocks_shared() {
    const OnCard<u32> to(4);
    read_what_the_last_block_left<<<2, 2>>>(to.data());
    finish("read_what_the_last_block_left");
}

__global__ void wait_on_one_side(u32* to) {
    if (threadIdx.x < 40) {
        asm volatile("bar.sync 1;" : : : "memory");
    } else {
        asm volatile("bar.sync 2;" : : : "memory");
    }
    to[threadIdx.x] = 1;
}
void one_side() {
    const OnCard<u32> to(64);
    wait_on_one_side<<<1, 64>>>(to.data());
    finish("wait_on_one_side");
}

__global__ void wait_in_two_places(u32* to) {
    u32 value = 1;
    if (threadIdx.x % 2 == 0) {
        asm volatile("bar.sync 0;" : : : "memory");
        value = 2;
    } else {
        asm volatile("bar.sync 0;" : : : "memory");
        value = 3;
    }
    to[threadIdx.x] = value;
}
void two_places() {
    const OnCard<u32> to(64);
    wait_in_two_places<<<1, 64>>>(to.data());
    finish("wait_in_two_places");
}

__global__ void shuffle_without_all(u32* to) {
    u32 value = threadIdx.x;
    if (threadIdx.x != 13) {
        value = __shfl_sync(0xffffffff, value, 0);
    } else {
        asm volatile("bar.sync 0;" : : : "memory");
    }
    to[threadIdx.x] = value;
}
void without_all() {
    const OnCard<u32> to(32);
    shuffle_without_all<<<1, 32>>>(to.data());
    finish("shuffle_without_all");
}

__global__ void shuffle_unnamed(u32* to) { to[threadIdx.x] = __shfl_xor_sync(0x0000ffff, threadIdx.x, 1); }
void unnamed() {
    const OnCard<u32> to(32);
    shuffle_unnamed<<<1, 32>>>(to.data());
    finish("shuffle_unnamed");
}

__global__ void shuffle_from_outside(u32* to) {
    if (threadIdx.x < 8) to[threadIdx.x] = __shfl_sync(0x000000ff, threadIdx.x, threadIdx.x == 5 ? 20 : 2);
}
void from_outside() {
    const OnCard<u32> to(8);
    shuffle_from_outside<<<1, 32>>>(to.data());
    finish("shuffle_from_outside");
}

__global__ void read_without_barrier(const u32* from, u32* to) {
    __shared__ u32 values[64];
    values[threadIdx.x] = from[threadIdx.x];
    if (threadIdx.x >= 32) to[threadIdx.x] = values[threadIdx.x - 32];
}
void without_barrier() {
    const OnCard<u32> from(numbers(64));
    const OnCard<u32> to(64);
    read_without_barrier<<<1, 64>>>(from.data(), to.data());
    finish("read_without_barrier");
}

__global__ void write_what_others_still_read(const u32* from, u32* to) {
    __shared__ u32 values[64];
    values[threadIdx.x] = from[threadIdx.x];
    __syncthreads();
    to[threadIdx.x] = values[(threadIdx.x + 32) % 64];
    if (threadIdx.x >= 32) values[threadIdx.x] = 1000;
}
void others_still_read() {
    const OnCard<u32> from(numbers(64));
    const OnCard<u32> to(64);
    write_what_others_still_read<<<1, 64>>>(from.data(), to.data());
    finish("write_what_others_still_read");
}

__global__ void read_never_written_local(const u32* from, u32* to) {
    volatile u32 values[32];
    if (threadIdx.x != 3) values[from[threadIdx.x] % 32] = threadIdx.x;
    to[threadIdx.x] = values[from[threadIdx.x] % 32];
}
void never_written_local() {
    const OnCard<u32> from(numbers(32));
    const OnCard<u32> to(32);
    read_never_written_local<<<1, 32>>>(from.data(), to.data());
    finish("read_never_written_local");
}

__global__ void use_unknown_instruction(const u32* from, u32* to) {
    u32 value = from[threadIdx.x];
    if (threadIdx.x == 6) asm volatile("vadd4.u32.u32.u32 %0, %0, %0, %0;" : "+r"(value));
    to[threadIdx.x] = value;
}
void unknown_instruction() {
    const OnCard<u32> from(numbers(32));
    const OnCard<u32> to(32);
    use_unknown_instruction<<<1, 32>>>(from.data(), to.data());
    finish("use_unknown_instruction");
}

__global__ void add_across(const u32* from, u32* to) {
    extern __shared__ u32 exchanged[];
    exchanged[threadIdx.x] = from[threadIdx.x];
    __syncthreads();
    const u32 value = exchanged[blockDim.x - 1 - threadIdx.x];
    __syncthreads();
    exchanged[threadIdx.x] = value;
    if (threadIdx.x < 8) to[threadIdx.x] = __shfl_sync(0x000000ff, value, threadIdx.x == 5 ? 7 : 2);
}

}  // namespace

const std::vector<Mistake>& mistakes() {
    static const std::vector<Mistake> all{
        {"read_one_byte_behind",
         &one_byte_behind,
         true,
         {"invalid access", "block (0, 0, 0), thread (61, 0, 0)", "`ld.global.u8", "reads 1 byte",
          "0 bytes behind 61 bytes at 0x", "of card 0"}},
        {"write_far_away",
         &far_away,
         true,
         {"invalid access", "block (2, 0, 0), thread (7, 3, 0)", "`st.global.u32", "writes 4 bytes"}},
        {"write_half_outside",
         &half_outside,
         true,
         {"invalid access", "thread (32, 0, 0)", "`st.global.u64", "writes 8 bytes",
          "4 bytes before the end of 260 bytes at 0x"}},
        {"use_after_free",
         &after_free,
         true,
         {"invalid access", "thread (0, 0, 0)", "`ld.global.u32", "12 bytes into 32 bytes at 0x", "of card 0, freed"}},
        {"read_through_null", &through_null, true, {"invalid access", "at 0x8", "close to a null pointer"}},
        {"read_host_memory", &host_memory, true, {"invalid access", "memory of no card"}},
        {"read_other_card",
         &other_card,
         true,
         {"invalid access", "0 bytes into 16 bytes at 0x", "of card 1", "to which card 0 has no access"}},
        {"read_before_shared",
         &before_shared,
         true,
         {"invalid access", "thread (0, 0, 0)", "`ld.shared.u32", "shared"}},
        {"write_behind_dynamic_shared",
         &behind_dynamic_shared,
         true,
         {"invalid access", "thread (40, 0, 0)", "`st.shared.u32", "shared memory, which has 160"}},
        {"read_misaligned",
         &misaligned,
         true,
         {"misaligned access", "thread (9, 0, 0)", "`ld.global.u32", "38 bytes into 128 bytes at 0x",
          "of card 0, expected a multiple of 4"}},
        {"read_misaligned_shared",
         &misaligned_shared,
         true,
         {"misaligned access", "thread (1, 0, 0)", "at 0x1 of shared memory, expected a multiple of 2"}},
        {"write_misaligned_vector",
         &misaligned_vector,
         true,
         {"misaligned access", "thread (0, 0, 0)", "`st.global.v4", "expected a multiple of 16"}},
        {"read_never_written",
         &never_written,
         false,
         {"read of bytes never written", "block (1, 0, 0), thread (18, 0, 0)", "`ld.global.u32",
          "200 bytes into 256 bytes at 0x", "(2 times)"}},
        {"read_never_written_shared",
         &never_written_shared,
         false,
         {"read of bytes never written", "thread (43, 0, 0)", "`ld.shared.u32", "shared"}},
        {"read_what_the_last_block_left",
         &last_blocks_shared,
         false,
         {"read of bytes never written", "block (1, 0, 0)", "`ld.shared.u32", "shared"}},
        {"read_never_written_local",
         &never_written_local,
         false,
         {"read of bytes never written", "thread (3, 0, 0)", "of local memory"}},
        {"wait_on_one_side", &one_side, true, {"divergent barrier", "`bar.sync", "never come"}},
        {"wait_in_two_places", &two_places, true, {"divergent barrier", "`bar.sync", "different places"}},
        {"shuffle_without_all", &without_all, true, {"divergent barrier", "`shfl.sync.idx.b32", "never come"}},
        {"shuffle_unnamed",
         &unnamed,
         true,
         {"divergent barrier", "thread (16, 0, 0)", "`shfl.sync.bfly.b32", "mask does not name it"}},
        {"shuffle_from_outside",
         &from_outside,
         false,
         {"bad shuffle", "thread (5, 0, 0)", "`shfl.sync.idx.b32", "lane 20, which takes no part"}},
        {"read_without_barrier", &without_barrier, false, {"race", "thread (32, 0, 0)", "`ld.shared.u32"}},
        {"write_what_others_still_read", &others_still_read, false, {"race", "`st.shared.u32"}},
        {"use_unknown_instruction",
         &unknown_instruction,
         true,
         {"unknown instruction", "thread (6, 0, 0)", "`vadd4.u32.u32.u32"}},
    };
    return all;
}

void launch_correct_kernels() {
    check(cudaSetDevice(1), "cudaSetDevice");
    const OnCard<u32> there(numbers(64));
    finish("copy to card 1");
    check(cudaSetDevice(0), "cudaSetDevice");
    check(cudaDeviceEnablePeerAccess(1, 0), "cudaDeviceEnablePeerAccess");
    const OnCard<u32> to(64);
    read_other_card<<<1, 64>>>(there.data(), to.data());
    read_never_written<<<2, 32>>>(to.data(), there.data());
    add_across<<<1, 64, 64 * sizeof(u32)>>>(there.data(), to.data());
    const OnCard<u8> bytes(std::vector<u8>(61, 1));
    const OnCard<u8> copied(61);
    read_one_byte_behind<<<1, 61>>>(bytes.data(), copied.data());
    u32* pinned = nullptr;
    check(cudaMallocHost(reinterpret_cast<void**>(&pinned), sizeof(u32)), "cudaMallocHost");
    *pinned = 3;
    read_host_memory<<<1, 1>>>(pinned, to.data());
    finish("correct kernels");
    check(cudaFreeHost(pinned), "cudaFreeHost");
}

}  // namespace gpushard::test
