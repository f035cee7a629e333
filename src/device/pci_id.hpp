#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gpushard {

/// "0000:3b:00.0" for "3B:00.0", "00000000:3b:00.0" and itself; nothing for what is no PCI bus id.
std::optional<std::string> canonical_pci(std::string_view text);

}  // namespace gpushard
