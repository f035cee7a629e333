#pragma once

#include <compare>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gpushard {

struct ComputeCapability {
    int major = 0;
    int minor = 0;

    // The linter takes the 0 it is compared with for a pointer.
    auto operator<=>(const ComputeCapability&) const = default;  // NOLINT(modernize-use-nullptr)
};

/// {8, 0} of "8.0"; nothing for what is not two numbers.
std::optional<ComputeCapability> parse_compute_capability(std::string_view text);

/// Code for cards in a program: for which architecture, and which others can run it.
struct DeviceCode {
    enum class Kind { machine, ptx };
    enum class Portability {
        usual,   ///< machine code: later minor versions of the architecture; PTX: every later architecture
        family,  ///< later minor versions ("sm_100f")
        exact,   ///< no other ("sm_90a")
    };

    Kind kind = Kind::machine;
    ComputeCapability architecture;
    Portability portability = Portability::usual;

    // The linter takes the 0 it is compared with for a pointer.
    auto operator<=>(const DeviceCode&) const = default;  // NOLINT(modernize-use-nullptr)

    bool runs_on(ComputeCapability card) const;
    std::string name() const;  ///< "sm_80", "compute_75" for PTX, "sm_90a", "sm_100f"
};

/// The code in fat binaries that stand one after the other, as in the section `.nv_fatbin` of a program that nvcc
/// compiled: each once, in order. What cannot be read ends the list: no length in there is believed before it was
/// compared with the bytes that are left.
std::vector<DeviceCode> read_fat_binaries(std::span<const std::byte> section);

/// Whether any of `codes` runs on a card of that capability.
bool any_runs_on(const std::vector<DeviceCode>& codes, ComputeCapability card);

/// "sm_80, sm_90, compute_90".
std::string list_names(const std::vector<DeviceCode>& codes);

}  // namespace gpushard
