#pragma once

#include <cuda_runtime_api.h>
#include <memory>
#include <optional>

#include "runtime/kernel_registry.hpp"

namespace simcuda {

inline constexpr int threads_per_block = 1024;
inline constexpr int shared_bytes_per_block = 48 * 1024;
inline constexpr int shared_bytes_optin = 99 * 1024;  ///< what a kernel may have once cudaFuncSetAttribute said so

/// The code that a card runs of a kernel; null when there is none for it.
const CodeImage* image_for(const Kernel& kernel, int place);

/// What the PTX of a kernel says; throws UnreadableCode where there is none.
std::shared_ptr<PtxCode> code_for(const Kernel& kernel, int place);
const interpreter::Program& program_of(const Kernel& kernel, PtxCode& code);

std::uint64_t local_bytes(const ptx::Kernel& kernel);

/// cudaFuncAttributeMaxDynamicSharedMemorySize: what was set; false when the card has not so much.
std::optional<int> dynamic_shared_limit(const Kernel& kernel, int place);
bool limit_dynamic_shared_bytes(const Kernel& kernel, int place, int bytes);

struct LaunchRequest {
    dim3 grid;
    dim3 block;
    void** arguments = nullptr;
    std::size_t dynamic_shared_bytes = 0;
    cudaStream_t stream = nullptr;
};

/// Takes the arguments and gives the stream the kernel to run. Code that cannot be interpreted, and what a kernel must
/// not do, is a finding, after which the card is lost.
cudaError_t launch_program(const Kernel& kernel, int place, const LaunchRequest& request);

}  // namespace simcuda
