#pragma once

#include <string>

#include "device/no_cards.hpp"

namespace gpushard {

/// What a machine has that a build without CUDA leaves unused: "this machine has 2 NVIDIA cards (NVIDIA
/// A100-SXM4-80GB) and the driver 550.54.15"; empty where there is no sign of a card.
std::string unused_cards(const NoCardFacts& facts);

}  // namespace gpushard
