#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace simcuda {

/// More than this many cards in one rig are refused.
inline constexpr std::size_t max_cards = 64;

/// One card as it was typed.
struct CardSpec {
    std::uint64_t total_bytes = 0;
    std::uint64_t used_bytes = 0;     ///< held by another process from the start
    std::uint64_t context_bytes = 0;  ///< charged once this process has a context on the card
    std::uint64_t granularity = 1;    ///< every allocation is rounded up to a multiple of this
    int compute_capability = 90;      ///< 90 is 9.0
    std::uint64_t bytes_per_second = 1'000'000'000'000;
    std::string name;
    std::string uuid;  ///< "GPU-" or "MIG-" and 32 hexadecimal digits in groups of 8-4-4-4-12
    std::string pci;   ///< "0000:01:00.0"
    int numa_node = 0;
    bool peer_access = true;
    bool multi_instance = false;  ///< cut into MIG instances, as NVML tells

    /// The rest only NVML tells.
    enum class Ecc { none, off, on };
    enum class Repair { none, pending, failed };
    bool multi_instance_pending = false;  ///< the mode changes at the next reset
    bool persistence = true;
    Ecc ecc = Ecc::on;
    std::uint64_t uncorrected_errors = 0;
    Repair remap = Repair::none;   ///< of rows
    Repair retire = Repair::none;  ///< of pages; never failed
    bool operator==(const CardSpec&) const = default;
};

/// A machine as it was typed.
struct RigSpec {
    bool driver = true;
    std::vector<CardSpec> cards;
    bool operator==(const RigSpec&) const = default;
};

/// Reads the grammar of SIMCUDA_CARDS; throws BadText.
RigSpec parse_rig(std::string_view text);

/// The driver as it was typed.
struct DriverSpec {
    std::string name = "0.0 (simulated)";
    int cuda_version = 0;  ///< 12040 is 12.4; 0: that of the runtime
    bool operator==(const DriverSpec&) const = default;
};

/// Reads the grammar of SIMCUDA_DRIVER; throws BadText.
DriverSpec parse_driver(std::string_view text);

struct PciAddress {
    unsigned domain = 0;
    unsigned bus = 0;
    unsigned device = 0;
    auto operator<=>(const PciAddress&) const = default;
};

/// "0000:65:00.0", "00000000:65:00.0" or "65:00.0"; throws BadText.
PciAddress parse_pci(std::string_view text);

/// The 16 bytes behind "GPU-" or "MIG-"; throws BadText.
std::array<unsigned char, 16> parse_uuid(std::string_view text);

}  // namespace simcuda
