#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpushard {

/// What a machine shows of its cards from outside the CUDA runtime, and what the runtime said when it listed none.
struct NoCardFacts {
    std::string runtime_error;          ///< "cudaErrorNoDevice: no CUDA-capable device is detected"
    bool driver_is_too_old = false;     ///< the runtime says so; it also does where there is no driver at all
    int driver_version = 0;             ///< of CUDA, 1000 * major + 10 * minor, as the driver supports it; 0: no driver
    int runtime_version = 0;            ///< of CUDA, as linked
    bool driver_library_loads = false;  ///< libcuda.so.1
    std::string kernel_module_version;  ///< "550.54.15"; empty where the NVIDIA kernel module is not loaded
    int cards_on_pci_bus = 0;           ///< NVIDIA display and 3D controllers
    std::vector<std::string> models;    ///< of the cards that the kernel module drives: "NVIDIA A100-SXM4-80GB"
    std::vector<std::string> closed_device_files;   ///< /dev/nvidia* that this process may not open
    int open_device_files = 0;                      ///< /dev/nvidia* that it may
    std::optional<std::string> container;           ///< its kind, as "Docker", where this runs in one
    std::optional<std::string> visible_devices;     ///< the environment's CUDA_VISIBLE_DEVICES
    std::optional<std::vector<std::string>> cards;  ///< UUIDs of the cards the management library sees, hidden or not
};

struct NoCardReason {
    std::string what;                ///< one line
    std::vector<std::string> hints;  ///< what to try, most useful first
};

/// Why the CUDA runtime lists no card.
NoCardReason explain_no_cards(const NoCardFacts& facts);

/// What a value of CUDA_VISIBLE_DEVICES does to a machine whose cards have these UUIDs, in words that follow
/// "CUDA_VISIBLE_DEVICES=0,7": "names no card by 7 (this machine has 4), and CUDA ignores it and what follows". Nothing
/// where each of its elements names a card or may do so (MIG devices are not looked up), and where it is well formed
/// but `cards` is not known.
std::optional<std::string> explain_visible_devices(std::string_view value,
                                                   const std::optional<std::vector<std::string>>& cards);

}  // namespace gpushard
