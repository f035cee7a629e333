#include "device/management_library.hpp"

#include <algorithm>
#include <array>
#include <dlfcn.h>
#include <map>

#include "device/pci_id.hpp"

namespace gpushard {
namespace {

// The library's binary interface, version by version stable; its header is not part of the CUDA toolkit.
constexpr int success = 0;
constexpr int insufficient_size = 7;
constexpr int gpu_is_lost = 15;
constexpr std::uint64_t not_available = ~std::uint64_t{0};

struct PciRecord {
    std::array<char, 16> legacy_bus_id;
    std::uint32_t domain;
    std::uint32_t bus;
    std::uint32_t device;
    std::uint32_t device_and_vendor;
    std::uint32_t subsystem;
    std::array<char, 32> bus_id;
};
static_assert(sizeof(PciRecord) == 68);

struct MemoryRecord {
    std::uint64_t total;
    std::uint64_t free;
    std::uint64_t used;
};

struct ProcessRecord {
    std::uint32_t pid;
    std::uint64_t used_bytes;
    std::uint32_t gpu_instance;
    std::uint32_t compute_instance;
};
static_assert(sizeof(ProcessRecord) == 24);

template <typename Function>
bool look_up(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    return function != nullptr;
}

/// The list grows while it is asked for, so that its length is only a hint.
template <typename GetProcesses>
std::vector<ProcessRecord> processes(GetProcesses get, ManagedCard card) {
    constexpr unsigned most_processes = 65536;
    if (get == nullptr) return {};
    std::vector<ProcessRecord> records(64);
    while (records.size() <= most_processes) {
        auto count = static_cast<unsigned>(records.size());
        const int result = get(card, &count, records.data());
        if (result == success) {
            records.resize(std::min<std::size_t>(count, records.size()));
            return records;
        }
        if (result != insufficient_size) return {};
        records.resize(std::max<std::size_t>(records.size() * 2, std::min(count, most_processes)));
    }
    return {};
}

}  // namespace

const ManagementLibrary* ManagementLibrary::open() {
    void* const library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return nullptr;
    static ManagementLibrary opened;
    int (*start)() = nullptr;
    const bool complete = look_up(library, "nvmlInit_v2", start) &&
                          look_up(library, "nvmlDeviceGetCount_v2", opened.get_count_) &&
                          look_up(library, "nvmlDeviceGetHandleByIndex_v2", opened.get_handle_by_index_) &&
                          look_up(library, "nvmlDeviceGetHandleByUUID", opened.get_handle_by_uuid_) &&
                          look_up(library, "nvmlDeviceGetHandleByPciBusId_v2", opened.get_handle_by_pci_) &&
                          look_up(library, "nvmlDeviceGetUUID", opened.get_uuid_) &&
                          look_up(library, "nvmlDeviceGetMemoryInfo", opened.get_memory_);
    // Drivers before 450 have no MIG mode, those before 510 list processes in another shape.
    look_up(library, "nvmlDeviceGetMigMode", opened.get_mig_mode_);
    look_up(library, "nvmlDeviceGetComputeRunningProcesses_v3", opened.get_compute_processes_);
    look_up(library, "nvmlDeviceGetGraphicsRunningProcesses_v3", opened.get_graphics_processes_);
    look_up(library, "nvmlSystemGetDriverVersion", opened.get_driver_version_);
    look_up(library, "nvmlDeviceGetName", opened.get_name_);
    look_up(library, "nvmlDeviceGetPciInfo_v3", opened.get_pci_);
    look_up(library, "nvmlDeviceGetPersistenceMode", opened.get_persistence_);
    look_up(library, "nvmlDeviceGetEccMode", opened.get_ecc_mode_);
    look_up(library, "nvmlDeviceGetTotalEccErrors", opened.get_ecc_errors_);
    look_up(library, "nvmlDeviceGetRemappedRows", opened.get_remapped_rows_);
    look_up(library, "nvmlDeviceGetRetiredPages", opened.get_retired_pages_);
    look_up(library, "nvmlDeviceGetRetiredPagesPendingStatus", opened.get_retirement_pending_);
    return complete && start() == success ? &opened : nullptr;
}

const ManagementLibrary* ManagementLibrary::find() {
    static const ManagementLibrary* const library = open();
    return library;
}

std::vector<std::string> ManagementLibrary::card_uuids() const {
    unsigned count = 0;
    std::vector<std::string> uuids;
    if (get_count_(&count) != success) return uuids;
    for (unsigned index = 0; index < count; ++index) {
        ManagedCard card = nullptr;
        std::array<char, 96> uuid{};
        const bool told = get_handle_by_index_(index, &card) == success &&
                          get_uuid_(card, uuid.data(), static_cast<unsigned>(uuid.size() - 1)) == success;
        uuids.emplace_back(told ? uuid.data() : "");
    }
    return uuids;
}

std::string ManagementLibrary::driver_version() const {
    std::array<char, 96> text{};
    const bool told = get_driver_version_ != nullptr &&
                      get_driver_version_(text.data(), static_cast<unsigned>(text.size() - 1)) == success;
    return told ? text.data() : "";
}

std::vector<InstalledCard> ManagementLibrary::installed_cards() const {
    unsigned count = 0;
    std::vector<InstalledCard> cards;
    if (get_count_(&count) != success) return cards;
    for (unsigned index = 0; index < count; ++index) cards.push_back(installed_card(index));
    return cards;
}

InstalledCard ManagementLibrary::installed_card(unsigned index) const {
    InstalledCard card;
    card.index = static_cast<int>(index);
    std::array<char, 96> text{};
    const auto length = static_cast<unsigned>(text.size() - 1);
    int result = get_handle_by_index_(index, &card.handle);
    if (result == success && (result = get_uuid_(card.handle, text.data(), length)) == success) card.uuid = text.data();
    card.lost = result == gpu_is_lost;
    if (result != success) {
        card.handle = nullptr;
        return card;
    }
    if (get_name_ != nullptr && get_name_(card.handle, text.data(), length) == success) card.name = text.data();
    PciRecord pci{};
    if (get_pci_ != nullptr && get_pci_(card.handle, &pci) == success) {
        pci.bus_id.back() = '\0';
        card.pci = canonical_pci(pci.bus_id.data()).value_or("");
    }
    return card;
}

CardHealth ManagementLibrary::health(ManagedCard card) const {
    const auto tells = [card](auto get, auto&... values) { return get != nullptr && get(card, &values...) == success; };
    CardHealth health;
    unsigned current = 0;
    unsigned pending = 0;
    if (tells(get_mig_mode_, current, pending)) {
        health.mig = current != 0;
        health.mig_pending = pending != current;
    }
    if (tells(get_persistence_, current)) health.persistence = current != 0;
    if (tells(get_ecc_mode_, current, pending)) health.ecc = current != 0;
    constexpr int uncorrected = 1;
    constexpr int since_the_driver_was_loaded = 0;
    unsigned long long errors = 0;
    if (get_ecc_errors_ != nullptr &&
        get_ecc_errors_(card, uncorrected, since_the_driver_was_loaded, &errors) == success) {
        health.uncorrected_errors = errors;
    }
    unsigned corrected_rows = 0;
    unsigned uncorrected_rows = 0;
    unsigned failed = 0;
    if (tells(get_remapped_rows_, corrected_rows, uncorrected_rows, pending, failed)) {
        health.remapped_rows = corrected_rows + uncorrected_rows;
        health.remap_pending = pending != 0;
        health.remap_failed = failed != 0;
    }
    if (tells(get_retirement_pending_, pending)) health.retirement_pending = pending != 0;
    health.retired_pages = retired_pages(card);
    return health;
}

/// Without room for their addresses the pages are only counted.
std::optional<unsigned> ManagementLibrary::retired_pages(ManagedCard card) const {
    std::optional<unsigned> pages;
    for (const int cause : {0, 1}) {  // Many errors that could be corrected; one that could not.
        unsigned count = 0;
        const int result =
            get_retired_pages_ == nullptr ? gpu_is_lost : get_retired_pages_(card, cause, &count, nullptr);
        if (result == success || result == insufficient_size) pages = pages.value_or(0) + count;
    }
    return pages;
}

std::optional<ManagedCard> ManagementLibrary::card_by_uuid(const std::string& uuid) const {
    ManagedCard card = nullptr;
    if (get_handle_by_uuid_(uuid.c_str(), &card) != success) return std::nullopt;
    return card;
}

std::optional<ManagedCard> ManagementLibrary::card_by_pci(const std::string& pci) const {
    ManagedCard card = nullptr;
    if (get_handle_by_pci_(pci.c_str(), &card) != success) return std::nullopt;
    return card;
}

bool ManagementLibrary::is_cut_up(ManagedCard card) const {
    unsigned current = 0;
    unsigned pending = 0;
    return get_mig_mode_ != nullptr && get_mig_mode_(card, &current, &pending) == success && current != 0;
}

std::optional<ManagementLibrary::Memory> ManagementLibrary::memory(ManagedCard card) const {
    MemoryRecord record{};
    if (get_memory_(card, &record) != success) return std::nullopt;
    return Memory{record.total, std::min(record.free, record.total)};
}

std::vector<MemoryHolder> ManagementLibrary::holders(ManagedCard card) const {
    std::map<std::uint32_t, Bytes> bytes_of;
    for (const auto get : {get_compute_processes_, get_graphics_processes_}) {
        for (const ProcessRecord& record : processes(get, card)) {
            Bytes& bytes = bytes_of[record.pid];
            // A process that both computes and draws is listed twice, each time with all it holds.
            if (record.used_bytes != not_available) bytes = std::max<Bytes>(bytes, record.used_bytes);
        }
    }
    std::vector<MemoryHolder> found;
    for (const auto& [pid, bytes] : bytes_of) found.push_back({pid, "", bytes});
    return found;
}

}  // namespace gpushard
