#include "cuda/management_library.hpp"

#include <algorithm>
#include <array>
#include <dlfcn.h>
#include <map>

namespace gpushard {
namespace {

// The library's binary interface, version by version stable; its header is not part of the CUDA toolkit.
constexpr int success = 0;
constexpr int insufficient_size = 7;
constexpr std::uint64_t not_available = ~std::uint64_t{0};

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
