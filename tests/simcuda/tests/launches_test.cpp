#include <array>
#include <cstdint>
#include <utility>

#include "simcuda/tests/nvcc_calls.hpp"
#include "simcuda/tests/simulated_rig.hpp"

namespace gpushard::test {
namespace {

/// A fat binary as nvcc writes it, with code images and nothing in them.
struct FatBinary {
    struct Image {
        std::uint16_t kind;  ///< 1 PTX, 2 machine code
        std::uint16_t version = 0x101;
        std::uint32_t header_bytes = 64;
        std::uint64_t payload_bytes = 8;
        std::array<std::uint32_t, 3> unused{};
        std::uint32_t compute_capability;
        std::array<std::uint64_t, 4> rest{};
        std::uint64_t payload = 0;
    };
    static_assert(sizeof(Image) == 72);

    std::uint32_t magic = 0xBA55ED50;
    std::uint16_t version = 1;
    std::uint16_t header_bytes = 16;
    std::uint64_t bytes = 2 * sizeof(Image);
    std::array<Image, 2> images;
};

struct Wrapper {
    std::uint32_t magic = 0x466243b1;
    std::uint32_t version = 1;
    const FatBinary* fat_binary;
    void* unused = nullptr;
};

/// What a program with one kernel registers before main.
class Program {
public:
    Program(std::uint16_t first_kind, unsigned first, std::uint16_t second_kind, unsigned second,
            const char* kernel = nullptr)
        : host_function_(kernel != nullptr ? kernel : &kernel_),
          fat_binary_{.images = {{{.kind = first_kind, .compute_capability = first},
                                  {.kind = second_kind, .compute_capability = second}}}} {
        module_ = __cudaRegisterFatBinary(&wrapper_);
        __cudaRegisterFunction(module_, host_function_, &kernel_, "kernel", -1, nullptr, nullptr, nullptr, nullptr,
                               nullptr);
        __cudaRegisterFatBinaryEnd(module_);
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program() { __cudaUnregisterFatBinary(module_); }

    const char* kernel() const { return host_function_; }
    cudaError_t launch(dim3 grid = {1, 1, 1}, dim3 block = {32, 1, 1}, cudaStream_t stream = nullptr) const {
        return cudaLaunchKernel(kernel(), grid, block, nullptr, 0, stream);
    }

private:
    char kernel_ = 0;
    const char* host_function_;
    FatBinary fat_binary_;
    Wrapper wrapper_{.fat_binary = &fat_binary_};
    void** module_ = nullptr;
};

constexpr std::uint16_t ptx = 1;
constexpr std::uint16_t machine_code = 2;

class Launches : public SimulatedRig {
protected:
    Program program_{ptx, 75, machine_code, 70};
};

TEST_F(Launches, AreCountedPerCardAndDoNothing) {
    ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
    EXPECT_EQ(program_.launch(), cudaSuccess);
    EXPECT_EQ(program_.launch(), cudaSuccess);
    EXPECT_EQ(card_launches(1), 2U);
    EXPECT_EQ(card_launches(), 2U);
    EXPECT_FALSE(cards_compute());
}

TEST_F(Launches, TheConfigurationComesBackAsItWasPut) {
    __cudaPushCallConfiguration({2, 3, 4}, {5, 6, 7}, 100, nullptr);
    dim3 grid;
    dim3 block;
    std::size_t shared_bytes = 0;
    cudaStream_t stream = cudaStreamPerThread;
    ASSERT_EQ(__cudaPopCallConfiguration(&grid, &block, &shared_bytes, &stream), cudaSuccess);
    EXPECT_EQ(grid.z, 4U);
    EXPECT_EQ(block.y, 6U);
    EXPECT_EQ(shared_bytes, 100U);
    EXPECT_EQ(stream, nullptr);
    EXPECT_EQ(__cudaPopCallConfiguration(&grid, &block, &shared_bytes, &stream), cudaErrorMissingConfiguration);
}

#if CUDART_VERSION >= 13000
TEST_F(Launches, ByHandleAsNewCompilersDo) {
    cudaKernel_t kernel = nullptr;
    ASSERT_EQ(__cudaGetKernel(&kernel, program_.kernel()), cudaSuccess);
    EXPECT_EQ(__cudaLaunchKernel(kernel, {1, 1, 1}, {1, 1, 1}, nullptr, 0, nullptr), cudaSuccess);
    EXPECT_EQ(card_launches(0), 1U);
    EXPECT_EQ(__cudaGetKernel(&kernel, &kernel), cudaErrorInvalidDeviceFunction);
}
#endif

TEST_F(Launches, AKernelOfATemplateIsRegisteredByEveryFileThatHasIt) {
    {
        const Program other_file(ptx, 75, machine_code, 70, program_.kernel());
        EXPECT_EQ(other_file.launch(), cudaSuccess);
    }
    EXPECT_EQ(program_.launch(), cudaSuccess) << "the other file took back its own only";
}

TEST_F(Launches, ImpossibleOnesAreRefused) {
    EXPECT_EQ(program_.launch({0, 1, 1}), cudaErrorInvalidConfiguration);
    EXPECT_EQ(program_.launch({1, 65536, 1}), cudaErrorInvalidConfiguration);
    EXPECT_EQ(program_.launch({1, 1, 1}, {1025, 1, 1}), cudaErrorInvalidConfiguration);
    EXPECT_EQ(cudaLaunchKernel(this, {1, 1, 1}, {1, 1, 1}, nullptr, 0, nullptr), cudaErrorInvalidDeviceFunction);
    cudaStream_t stream = nullptr;
    ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
    ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
    EXPECT_EQ(program_.launch({1, 1, 1}, {1, 1, 1}, stream), cudaErrorInvalidResourceHandle) << "of another card";
    EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
}

TEST_F(Launches, NeedCodeThatTheCardCanRun) {
    use("1GiB:sm=61,1GiB:sm=70,1GiB:sm=72,1GiB:sm=120");
    const std::array expected{cudaErrorNoKernelImageForDevice, cudaSuccess, cudaSuccess, cudaSuccess};
    for (int ordinal = 0; ordinal < 4; ++ordinal) {
        ASSERT_EQ(cudaSetDevice(ordinal), cudaSuccess);
        EXPECT_EQ(program_.launch(), expected[static_cast<std::size_t>(ordinal)]) << ordinal;
    }
    const Program only_machine_code(machine_code, 70, machine_code, 80);
    EXPECT_EQ(only_machine_code.launch(), cudaErrorNoKernelImageForDevice) << "of other major numbers";
}

TEST_F(Launches, AttributesNameTheCodeThatTheCardRuns) {
    use("1GiB:sm=90,1GiB:sm=72,1GiB:sm=61");
    const auto versions = [&](int ordinal) {
        EXPECT_EQ(cudaSetDevice(ordinal), cudaSuccess);
        cudaFuncAttributes attributes{};
        EXPECT_EQ(cudaFuncGetAttributes(&attributes, program_.kernel()), cudaSuccess) << ordinal;
        return std::pair(attributes.ptxVersion, attributes.binaryVersion);
    };
    EXPECT_EQ(versions(0), std::pair(75, 75));
    EXPECT_EQ(versions(1), std::pair(70, 70));
    ASSERT_EQ(cudaSetDevice(2), cudaSuccess);
    cudaFuncAttributes attributes{};
    EXPECT_EQ(cudaFuncGetAttributes(&attributes, program_.kernel()), cudaErrorNoKernelImageForDevice);
    ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
    int blocks = 0;
    ASSERT_EQ(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, program_.kernel(), 256, 0), cudaSuccess);
    EXPECT_EQ(blocks, 8);
}

}  // namespace
}  // namespace gpushard::test
