#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gpushard/device_info.hpp>

#include "device/device_code.hpp"
#include "device/no_cards.hpp"

/// What a machine tells of its cards, healthy or not, without a verdict.
namespace gpushard {

/// What a card tells of its state; nothing where it, or the driver, does not tell.
struct CardHealth {
    std::optional<bool> mig;                          ///< cut into instances
    std::optional<bool> mig_pending;                  ///< that will change at the next reset
    std::optional<bool> persistence;                  ///< the driver keeps it ready while nobody uses it
    std::optional<bool> ecc;                          ///< errors in memory are noticed
    std::optional<std::uint64_t> uncorrected_errors;  ///< since the driver was loaded
    std::optional<unsigned> remapped_rows;            ///< of memory, replaced by spare ones
    std::optional<bool> remap_pending;                ///< rows wait for a reset to be replaced
    std::optional<bool> remap_failed;                 ///< there was no spare row left
    std::optional<unsigned> retired_pages;
    std::optional<bool> retirement_pending;  ///< pages wait for a reset to be retired
};

/// A card that CUDA shows or that the driver knows.
struct CardFacts {
    DeviceInfo info;        ///< spec is empty where CUDA does not show the card; what did not answer is empty or 0
    int driver_index = -1;  ///< as nvidia-smi numbers it; -1 where the management library does not know it
    bool visible = false;   ///< CUDA shows it
    std::string failure;    ///< what failed when it was asked; empty where it answers
    CardHealth health;
};

struct GpuFacts {
    bool compiled_in = false;  ///< this build uses cards
    bool simulated = false;
    NoCardFacts machine;              ///< `runtime_error` is empty where CUDA lists a card, and where it is not asked
    bool management_library = false;  ///< NVML answers
    std::string driver_name;          ///< "550.54.15"; empty where it is not known
    std::vector<CardFacts> cards;     ///< the visible ones first, in CUDA's order; then the others, as nvidia-smi does
    std::vector<DeviceCode> faiss_code;  ///< empty where it is not known
    std::string faiss_risk;              ///< why the GPU code of this Faiss is not safe on a real card; or empty
    bool risk_allowed = false;           ///< by the environment
};

/// What the driver's management library and the files under `root`, which stands for "/", tell. No card is visible in
/// it: that only CUDA tells.
GpuFacts read_gpu_facts(const std::filesystem::path& root = "/");

}  // namespace gpushard
