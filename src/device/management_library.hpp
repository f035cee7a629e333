#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gpushard/device_info.hpp>

#include "device/gpu_facts.hpp"

namespace gpushard {

/// A card as the driver's management library (NVML) knows it; it outlives every use.
using ManagedCard = void*;

/// A card of the machine, hidden from CUDA or not. What a lost card cannot tell is empty.
struct InstalledCard {
    int index = 0;                 ///< as nvidia-smi numbers it
    ManagedCard handle = nullptr;  ///< null where the card does not answer
    bool lost = false;             ///< the driver says so
    std::string uuid;
    std::string pci;
    std::string name;
};

/// The driver's management library, opened at run time: what it tells costs no CUDA context. Thread-safe. What a call
/// cannot tell is nothing.
class ManagementLibrary {
public:
    /// Nothing where it is not there or does not start. It stays open until the process ends.
    static const ManagementLibrary* find();

    std::string driver_version() const;  ///< "550.54.15"; empty where it is not told
    std::vector<InstalledCard> installed_cards() const;
    CardHealth health(ManagedCard card) const;

    std::vector<std::string> card_uuids() const;  ///< of all cards of the machine, hidden or not; no MIG devices

    /// `uuid` as "GPU-..." or, for a MIG device, "MIG-...".
    std::optional<ManagedCard> card_by_uuid(const std::string& uuid) const;
    std::optional<ManagedCard> card_by_pci(const std::string& pci) const;

    /// Whether the card is cut into MIG devices, each of which has a part of its memory.
    bool is_cut_up(ManagedCard card) const;

    struct Memory {
        Bytes total = 0;
        Bytes free = 0;
    };
    std::optional<Memory> memory(ManagedCard card) const;

    /// Processes with a context of any kind on the card, without their names, each once, in no order.
    std::vector<MemoryHolder> holders(ManagedCard card) const;

private:
    ManagementLibrary() = default;
    static const ManagementLibrary* open();
    InstalledCard installed_card(unsigned index) const;
    std::optional<unsigned> retired_pages(ManagedCard card) const;

    using Result = int;
    Result (*get_count_)(unsigned*) = nullptr;
    Result (*get_handle_by_index_)(unsigned, ManagedCard*) = nullptr;
    Result (*get_handle_by_uuid_)(const char*, ManagedCard*) = nullptr;
    Result (*get_handle_by_pci_)(const char*, ManagedCard*) = nullptr;
    Result (*get_uuid_)(ManagedCard, char*, unsigned) = nullptr;
    Result (*get_memory_)(ManagedCard, void*) = nullptr;
    Result (*get_mig_mode_)(ManagedCard, unsigned*, unsigned*) = nullptr;
    Result (*get_compute_processes_)(ManagedCard, unsigned*, void*) = nullptr;
    Result (*get_graphics_processes_)(ManagedCard, unsigned*, void*) = nullptr;
    Result (*get_driver_version_)(char*, unsigned) = nullptr;
    Result (*get_name_)(ManagedCard, char*, unsigned) = nullptr;
    Result (*get_pci_)(ManagedCard, void*) = nullptr;
    Result (*get_persistence_)(ManagedCard, unsigned*) = nullptr;
    Result (*get_ecc_mode_)(ManagedCard, unsigned*, unsigned*) = nullptr;
    Result (*get_ecc_errors_)(ManagedCard, int, int, unsigned long long*) = nullptr;
    Result (*get_remapped_rows_)(ManagedCard, unsigned*, unsigned*, unsigned*, unsigned*) = nullptr;
    Result (*get_retired_pages_)(ManagedCard, int, unsigned*, unsigned long long*) = nullptr;
    Result (*get_retirement_pending_)(ManagedCard, unsigned*) = nullptr;
};

}  // namespace gpushard
