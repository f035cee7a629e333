#pragma once

#include <cuda_runtime_api.h>
#include <string>

#include <gpushard/bytes.hpp>

namespace gpushard {

/// Throws DeviceError naming the card, the call and CUDA's reason unless `status` is success. Clears the error first,
/// so that no later check, of Faiss's either, takes it for its own.
void check_cuda(cudaError_t status, const std::string& device, const char* call);

/// True for errors after which a card answers nothing any more: every later call on it fails as well.
bool loses_card(cudaError_t status);

/// Makes a card the calling thread's current one and puts the earlier one back at the end.
class CurrentCard {
public:
    /// Throws DeviceError.
    CurrentCard(int ordinal, const std::string& device);
    ~CurrentCard();
    CurrentCard(const CurrentCard&) = delete;
    CurrentCard& operator=(const CurrentCard&) = delete;

private:
    int before_ = 0;
};

/// What the driver says is free on the current card. Throws DeviceError.
Bytes free_on_current_card(const std::string& device);

}  // namespace gpushard
