#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "simcuda/tests/nvcc_calls.hpp"

namespace gpushard::test {

/// A program whose kernels stand in one PTX text: what nvcc's constructors register before main.
class PtxProgram {
public:
    enum class Code { ptx, machine_code };

    explicit PtxProgram(const std::string& text, Code code = Code::ptx)
        : fat_binary_(fat_binary_of(text, code)), wrapper_{.fat_binary = fat_binary_.data()} {
        module_ = __cudaRegisterFatBinary(&wrapper_);
        __cudaRegisterFatBinaryEnd(module_);
    }
    PtxProgram(const PtxProgram&) = delete;
    PtxProgram& operator=(const PtxProgram&) = delete;
    ~PtxProgram() { __cudaUnregisterFatBinary(module_); }

    /// The host function that stands for a kernel.
    const void* kernel(const std::string& name) {
        const auto [known, first] = kernels_.try_emplace(name, 'k');
        if (first) {
            __cudaRegisterFunction(module_, &known->second, &known->second, known->first.c_str(), -1, nullptr, nullptr,
                                   nullptr, nullptr, nullptr);
        }
        return &known->second;
    }
    /// The host variable that stands for one of the module.
    const void* variable(const std::string& name, std::size_t bytes) {
        const auto [known, first] = variables_.try_emplace(name, 'v');
        if (first) __cudaRegisterVar(module_, &known->second, &known->second, known->first.c_str(), 0, bytes, 0, 0);
        return &known->second;
    }

    struct Shape {
        unsigned blocks = 1;
        unsigned threads = 32;
        std::size_t shared_bytes = 0;
        cudaStream_t stream = nullptr;
    };
    template <typename... Arguments>
    cudaError_t launch(const std::string& name, Shape shape, Arguments... arguments) {
        void* pointers[] = {&arguments..., nullptr};
        return cudaLaunchKernel(kernel(name), {shape.blocks, 1, 1}, {shape.threads, 1, 1}, pointers, shape.shared_bytes,
                                shape.stream);
    }

private:
    struct Wrapper {
        std::uint32_t magic = 0x466243b1;
        std::uint32_t version = 1;
        const std::byte* fat_binary = nullptr;
        void* unused = nullptr;
    };

    static std::vector<std::byte> fat_binary_of(const std::string& text, Code code) {
        struct Header {
            std::uint32_t magic = 0xBA55ED50;
            std::uint16_t version = 1;
            std::uint16_t header_bytes = 16;
            std::uint64_t bytes = 0;
        } header;
        struct Image {
            std::uint16_t kind = 1;
            std::uint16_t version = 0x101;
            std::uint32_t header_bytes = 64;
            std::uint64_t payload_bytes = 0;
            std::uint32_t unused[3] = {};
            std::uint32_t compute_capability = 75;
            std::uint64_t rest[4] = {};
        } image;
        static_assert(sizeof(Header) == 16 && sizeof(Image) == 64);
        image.kind = code == Code::ptx ? 1 : 2;
        image.compute_capability = code == Code::ptx ? 75 : 90;
        image.payload_bytes = text.size() + 1;
        header.bytes = sizeof image + image.payload_bytes;
        std::vector<std::byte> bytes(sizeof header + header.bytes);
        std::memcpy(bytes.data(), &header, sizeof header);
        std::memcpy(bytes.data() + sizeof header, &image, sizeof image);
        std::memcpy(bytes.data() + sizeof header + sizeof image, text.c_str(), text.size() + 1);
        return bytes;
    }

    std::vector<std::byte> fat_binary_;
    Wrapper wrapper_;
    void** module_ = nullptr;
    std::map<std::string, char> kernels_;
    std::map<std::string, char> variables_;
};

/// Kernels of a few lines.
inline constexpr const char* small_kernels = R"(
.version 8.0
.target sm_75
.address_size 64

.visible .global .align 4 .u32 counter = 5;
.visible .global .align 8 .u64 counter_pointer = counter;
.visible .const .align 4 .b8 table[16] = {1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0};

.visible .entry fill(
    .param .u64 fill_param_0,
    .param .u32 fill_param_1
)
{
    .reg .b32 %r<6>;
    .reg .b64 %rd<4>;
    ld.param.u64 %rd1, [fill_param_0];
    ld.param.u32 %r1, [fill_param_1];
    mov.u32 %r2, %ctaid.x;
    mov.u32 %r3, %ntid.x;
    mov.u32 %r4, %tid.x;
    mad.lo.s32 %r5, %r2, %r3, %r4;
    mul.wide.s32 %rd2, %r5, 4;
    add.s64 %rd3, %rd1, %rd2;
    st.global.u32 [%rd3], %r1;
    ret;
}

.visible .entry copy(
    .param .u64 copy_param_0,
    .param .u64 copy_param_1
)
{
    .reg .b32 %r<6>;
    .reg .b64 %rd<6>;
    ld.param.u64 %rd1, [copy_param_0];
    ld.param.u64 %rd2, [copy_param_1];
    mov.u32 %r2, %ctaid.x;
    mov.u32 %r3, %ntid.x;
    mov.u32 %r4, %tid.x;
    mad.lo.s32 %r5, %r2, %r3, %r4;
    mul.wide.s32 %rd3, %r5, 4;
    add.s64 %rd4, %rd1, %rd3;
    add.s64 %rd5, %rd2, %rd3;
    ld.global.u32 %r1, [%rd5];
    st.global.u32 [%rd4], %r1;
    ret;
}

.visible .entry count(
    .param .u64 count_param_0
)
{
    .reg .b32 %r<4>;
    .reg .b64 %rd<3>;
    ld.param.u64 %rd1, [count_param_0];
    ld.global.u64 %rd2, [counter_pointer];
    ld.global.u32 %r1, [%rd2];
    add.s32 %r2, %r1, 1;
    st.global.u32 [counter], %r2;
    ld.const.u32 %r3, [table+4];
    st.global.u32 [%rd1], %r2;
    st.global.u32 [%rd1+4], %r3;
    ret;
}

.visible .entry few_threads()
.maxntid 64, 1, 1
{
    ret;
}

.visible .entry shared_kernel()
{
    .shared .align 4 .b8 tile[40960];
    ret;
}
)";

}  // namespace gpushard::test
