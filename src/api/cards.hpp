#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gpushard/backend.hpp>
#include <gpushard/device_info.hpp>
#include <gpushard/placement_plan.hpp>

#include "device/gpu_facts.hpp"

/// What the entry points need of the GPU backend. Two files implement it, and faiss_gpu_risk, and the build compiles
/// one of them: cards_with_cuda.cpp and cards_without_cuda.cpp.
namespace gpushard {

bool cuda_is_compiled_in();

/// The visible cards. Throws DeviceError saying why there are none.
std::vector<DeviceInfo> list_cards();

/// What this machine has that this build cannot use, as a sentence: see device/unused_cards.hpp. Empty where CUDA is
/// compiled in.
std::string cards_left_unused();

/// A device on the card that `info` names by UUID, or by ordinal where it has none. Throws DeviceError when it is not
/// there or cannot be used.
std::unique_ptr<Device> open_card(const DeviceInfo& info);

/// What the cards tell of themselves, of each what it answers; `root` stands for "/" where files are read.
GpuFacts card_facts(const std::filesystem::path& root);

/// See measure_context.
DeviceInfo measure_card(const DeviceInfo& card);

/// Throws InvalidArgument when a card cannot hold or search what `plan` gives it: precision, metric, k, dimension.
void refuse_unsupported_by_cards(const PlacementPlan& plan);

}  // namespace gpushard
