// What nvcc makes of kernels that a reader of their source would not expect.

#include <cstdint>
#include <vector>

#include <gmock/gmock.h>

#include "simcuda/tests/ptx_program.hpp"
#include "simcuda/tests/simulated_rig.hpp"

namespace gpushard::test {
namespace {

constexpr const char* kernels = R"(
.version 8.0
.target sm_80
.address_size 64

// Lane 0 has instructions of its own for all that the 32 lanes do together, as in a loop that was unswitched.
.visible .entry meet(
    .param .u64 out
)
{
    .reg .pred %p<8>;
    .reg .b32 %r<12>;
    .reg .b64 %rd<8>;
    ld.param.u64 %rd1, [out];
    mov.u32 %r1, %tid.x;
    mul.lo.s32 %r2, %r1, 10;
    and.b32 %r3, %r1, 1;
    setp.eq.s32 %p1, %r3, 1;
    shr.u32 %r4, %r1, 4;
    cvt.u64.u32 %rd2, %r4;
    setp.eq.s32 %p2, %r1, 0;
    @%p2 bra ALONE;
    shfl.sync.bfly.b32 %r5|%p3, %r2, 1, 31, -1;
    vote.sync.ballot.b32 %r6, %p1, -1;
    vote.sync.any.pred %p4, %p2, -1;
    match.any.sync.b64 %r7, %rd2, -1;
    redux.sync.add.u32 %r8, %r1, -1;
    bar.warp.sync -1;
    bra.uni TOGETHER;
ALONE:
    mov.u32 %r9, -1;
    shfl.sync.bfly.b32 %r10|%p5, %r2, 1, 31, %r9;
    mov.u32 %r5, %r10;
    vote.sync.ballot.b32 %r6, !%p1, %r9;
    vote.sync.any.pred %p4, %p2, %r9;
    match.any.sync.b64 %r7, %rd2, %r9;
    redux.sync.add.u32 %r8, %r1, %r9;
    bar.warp.sync %r9;
TOGETHER:
    mul.wide.u32 %rd3, %r1, 20;
    add.s64 %rd4, %rd1, %rd3;
    selp.b32 %r11, 1, 0, %p4;
    st.global.u32 [%rd4], %r5;
    st.global.u32 [%rd4+4], %r6;
    st.global.u32 [%rd4+8], %r7;
    st.global.u32 [%rd4+12], %r8;
    st.global.u32 [%rd4+16], %r11;
    ret;
}

.visible .entry widened(
    .param .u64 out
)
{
    .shared .align 16 .b8 memory[16];
    .reg .pred %p<2>;
    .reg .b32 %r<8>;
    .reg .b64 %rd<4>;
    ld.param.u64 %rd1, [out];
    mov.u32 %r1, %tid.x;
    shl.b32 %r2, %r1, 2;
    mov.u32 %r3, memory;
    add.s32 %r3, %r3, %r2;
    setp.gt.u32 %p1, %r1, 2;
    @%p1 bra READ;
    st.shared.u32 [%r3], %r1;
READ:
    bar.sync 0;
    .pragma "used_bytes_mask 4095";
    ld.shared.v4.u32 {%r4, %r5, %r6, %r7}, [memory];
    add.s32 %r4, %r4, %r5;
    add.s32 %r4, %r4, %r6;
    mul.wide.u32 %rd2, %r1, 4;
    add.s64 %rd3, %rd1, %rd2;
    st.global.u32 [%rd3], %r4;
    ret;
}
)";

class CompiledWays : public SimulatedRig {
protected:
    /// What a kernel of 32 threads leaves in so many numbers.
    std::vector<std::uint32_t> run(const std::string& text, const std::string& kernel, std::size_t count) {
        PtxProgram program(text);
        const DeviceBuffer out(count * sizeof(std::uint32_t));
        std::vector<std::uint32_t> values(count);
        EXPECT_EQ(program.launch(kernel, {}, out.data()), cudaSuccess);
        EXPECT_EQ(cudaMemcpy(values.data(), out.data(), count * sizeof(std::uint32_t), cudaMemcpyDeviceToHost),
                  cudaSuccess);
        return values;
    }
};

TEST_F(CompiledWays, LanesMeetWhereverTheyStand) {
    const std::vector<std::uint32_t> values = run(kernels, "meet", 5 * 32);
    for (std::uint32_t lane = 0; lane < 32; ++lane) {
        SCOPED_TRACE(lane);
        EXPECT_EQ(values[5 * lane], (lane ^ 1) * 10);
        EXPECT_EQ(values[5 * lane + 1], 0xAAAAAAABU);
        EXPECT_EQ(values[5 * lane + 2], lane < 16 ? 0xFFFFU : 0xFFFF0000U);
        EXPECT_EQ(values[5 * lane + 3], 31U * 32 / 2);
        EXPECT_EQ(values[5 * lane + 4], 1U);
    }
}

TEST_F(CompiledWays, WidenedLoadsReadWhatTheyUse) {
    EXPECT_EQ(run(kernels, "widened", 32), std::vector<std::uint32_t>(32, 3));
    EXPECT_THAT(card_findings(), testing::IsEmpty());

    std::string unmarked = kernels;
    const std::string mark = ".pragma \"used_bytes_mask 4095\";";
    unmarked.erase(unmarked.find(mark), mark.size());
    run(unmarked, "widened", 32);
    EXPECT_THAT(card_findings(), testing::ElementsAre(testing::HasSubstr("read of bytes never written: widened")));
    clear_card_findings();
}

}  // namespace
}  // namespace gpushard::test
