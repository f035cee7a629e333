#include "cuda/cuda_device.hpp"

#include <gpushard/error.hpp>

namespace gpushard {

std::unique_ptr<Device> make_cuda_device(const DeviceInfo& info) {
    throw DeviceError(info.spec, info.spec + ": loading onto cards is being built");
}

void refuse_unsupported_by_cuda(const PlacementPlan&) {}

}  // namespace gpushard
