// Run by ctest with rigs and faults in the environment; see CMakeLists.txt.
#include "simcuda/tests/simulated_rig.hpp"

namespace gpushard::test {
namespace {

TEST(Environment, TypesTheRigAndTheFaults) {
    EXPECT_EQ(simulated_card_count(), 2);
    EXPECT_EQ(free_bytes_on(1), 2_GiB);
    EXPECT_EQ(DeviceBuffer(1000, 0).error(), cudaSuccess);
    EXPECT_EQ(DeviceBuffer(1000, 1).error(), cudaSuccess);
    EXPECT_EQ(DeviceBuffer(1000, 1).error(), cudaErrorMemoryAllocation);
}

}  // namespace
}  // namespace gpushard::test
