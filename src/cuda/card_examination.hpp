#pragma once

#include <filesystem>

#include "device/gpu_facts.hpp"

namespace gpushard {

/// All that can be told of the cards, the visible ones and the others. Never throws because of a card: one that does
/// not answer says so in its facts. `root` stands for "/" where files are read. Creates no CUDA context where NVML can
/// tell what is free.
GpuFacts examine_cards(const std::filesystem::path& root = "/");

}  // namespace gpushard
