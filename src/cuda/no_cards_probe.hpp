#pragma once

#include <gpushard/error.hpp>

#include "device/no_cards.hpp"

namespace gpushard {

/// Adds what the runtime says of itself, and of having counted no card with `runtime_error` (a cudaError_t).
void add_runtime_facts(NoCardFacts& facts, int runtime_error);

/// What to throw when cudaGetDeviceCount answered `runtime_error` (a cudaError_t), or counted none.
DeviceError no_cards(int runtime_error);

/// Warns through the log where CUDA_VISIBLE_DEVICES names cards that are not there, which CUDA hides silently.
void warn_about_hidden_cards();

}  // namespace gpushard
