#pragma once

#include <gpushard/error.hpp>

#include "device/no_cards.hpp"

namespace gpushard {

/// The NVIDIA files under `root`, which stands for "/": kernel module, PCI bus, device files, signs of a container.
NoCardFacts read_card_files(const std::string& root = "/");

/// What to throw when cudaGetDeviceCount answered `runtime_error` (a cudaError_t), or counted none.
DeviceError no_cards(int runtime_error);

/// Warns through the log where CUDA_VISIBLE_DEVICES names cards that are not there, which CUDA hides silently.
void warn_about_hidden_cards();

}  // namespace gpushard
