#pragma once

#include <optional>
#include <string>

#include "device/no_cards.hpp"

namespace gpushard {

/// The NVIDIA files under `root`, which stands for "/": kernel module, PCI bus, device files, signs of a container.
NoCardFacts read_card_files(const std::string& root = "/");

/// Whether libcuda.so.1 can be loaded.
bool driver_library_loads();

/// A variable of the environment; nothing where it is not set.
std::optional<std::string> environment_value(const char* name);

}  // namespace gpushard
