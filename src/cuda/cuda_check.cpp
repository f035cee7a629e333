#include "cuda/cuda_check.hpp"

#include <gpushard/error.hpp>

#include "cuda/card_contexts.hpp"

namespace gpushard {

void check_cuda(cudaError_t status, const std::string& device, const char* call) {
    if (status == cudaSuccess) return;
    cudaGetLastError();
    throw DeviceError(device, device + ": " + call + " failed: " + cudaGetErrorString(status),
                      {loses_card(status) ? "the card is lost to this process; see its kernel messages (dmesg) for the "
                                            "cause, and start again"
                                          : "see what else uses the card: nvidia-smi"},
                      {{"call", std::string(call)}, {"cuda_error", std::string(cudaGetErrorName(status))}});
}

bool loses_card(cudaError_t status) {
    switch (status) {
        case cudaSuccess:
        case cudaErrorMemoryAllocation:
        case cudaErrorInvalidValue:
        case cudaErrorInvalidDevice:
        case cudaErrorNotReady:
            return false;
        default:
            return true;
    }
}

CurrentCard::CurrentCard(int ordinal, const std::string& device) {
    check_cuda(cudaGetDevice(&before_), device, "cudaGetDevice");
    check_cuda(cudaSetDevice(ordinal), device, "cudaSetDevice");
    note_context(ordinal);
}

CurrentCard::~CurrentCard() { static_cast<void>(cudaSetDevice(before_)); }

Bytes free_on_current_card(const std::string& device) {
    std::size_t free = 0;
    std::size_t total = 0;
    check_cuda(cudaMemGetInfo(&free, &total), device, "cudaMemGetInfo");
    return free;
}

}  // namespace gpushard
