#include "cuda/cuda_inventory.hpp"

#include <algorithm>
#include <charconv>
#include <cuda_runtime_api.h>
#include <fstream>
#include <optional>
#include <thread>
#include <unistd.h>

#include <gpushard/error.hpp>

#include "core/likely_bandwidth.hpp"
#include "cuda/card_contexts.hpp"
#include "cuda/no_cards_probe.hpp"
#include "device/management_library.hpp"
#include "device/pci_id.hpp"
#include "device/process_names.hpp"

namespace gpushard {
namespace {

std::string spec_of(int ordinal) { return "cuda:" + std::to_string(ordinal); }

void check(cudaError_t error, int ordinal, const char* call) {
    if (error == cudaSuccess) return;
    cudaGetLastError();  // Or the next launch of Faiss would find it.
    throw DeviceError(
        spec_of(ordinal),
        spec_of(ordinal) + ": " + call + " failed, " + cudaGetErrorName(error) + ": " + cudaGetErrorString(error),
        {"see what nvidia-smi says of it, or name the other cards in CUDA_VISIBLE_DEVICES"});
}

int count_cards() {
    int count = 0;
    const cudaError_t error = cudaGetDeviceCount(&count);
    if (error == cudaSuccess && count > 0) return count;
    cudaGetLastError();
    throw no_cards(error);
}

std::string uuid_digits(const cudaUUID_t& uuid) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < sizeof uuid.bytes; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        const auto byte = static_cast<unsigned char>(uuid.bytes[i]);
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

std::string pci_of(int ordinal) {
    char text[32] = {};
    check(cudaDeviceGetPCIBusId(text, sizeof text - 1, ordinal), ordinal, "cudaDeviceGetPCIBusId");
    return canonical_pci(text).value_or(text);
}

/// 0 where the driver does not tell.
double attribute(cudaDeviceAttr which, int ordinal) {
    int value = 0;
    if (cudaDeviceGetAttribute(&value, which, ordinal) != cudaSuccess) {
        cudaGetLastError();
        return 0;
    }
    return std::max(0, value);
}

/// Both edges of the memory clock carry data.
double memory_bytes_per_second(int ordinal) {
    const double kilohertz = attribute(cudaDevAttrMemoryClockRate, ordinal);
    const double bits = attribute(cudaDevAttrGlobalMemoryBusWidth, ordinal);
    return 2 * kilohertz * 1000 * bits / 8;
}

int numa_node_of(int ordinal, const std::string& pci) {
#if CUDART_VERSION >= 12020
    int told = -1;
    if (cudaDeviceGetAttribute(&told, cudaDevAttrHostNumaId, ordinal) == cudaSuccess && told >= 0) return told;
    cudaGetLastError();
#else
    static_cast<void>(ordinal);
#endif
    std::ifstream file("/sys/bus/pci/devices/" + pci + "/numa_node");
    int node = -1;
    return file >> node ? std::max(-1, node) : -1;
}

std::vector<std::string> peers_of(int ordinal, int count) {
    std::vector<std::string> peers;
    for (int other = 0; other < count; ++other) {
        int reachable = 0;
        if (other != ordinal && cudaDeviceCanAccessPeer(&reachable, ordinal, other) == cudaSuccess && reachable != 0) {
            peers.push_back(spec_of(other));
        }
    }
    cudaGetLastError();
    return peers;
}

/// What NVML knows of the device that CUDA shows under this ordinal. It may be the whole card where CUDA shows a part.
struct Managed {
    const ManagementLibrary* library = nullptr;
    std::optional<ManagedCard> card;
    bool is_mig = false;
};

/// "NVIDIA A100-SXM4-40GB MIG 1g.5gb".
bool is_mig_name(const std::string& name) { return name.find(" MIG ") != std::string::npos; }

Managed find_managed(const std::string& digits, const DeviceInfo& device) {
    Managed managed;
    managed.library = ManagementLibrary::find();
    managed.is_mig = is_mig_name(device.name);
    if (managed.library == nullptr) return managed;
    if ((managed.card = managed.library->card_by_uuid("MIG-" + digits))) {
        managed.is_mig = true;
        return managed;
    }
    managed.card = managed.library->card_by_uuid("GPU-" + digits);
    if (!managed.card && !managed.is_mig) managed.card = managed.library->card_by_pci(device.pci);
    return managed;
}

/// Nothing where NVML means another memory than CUDA does: that of a whole card of which CUDA shows a part.
std::optional<Bytes> managed_free_bytes(const Managed& managed, Bytes total) {
    if (!managed.card) return std::nullopt;
    const auto memory = managed.library->memory(*managed.card);
    if (!memory || (managed.library->is_cut_up(*managed.card) && memory->total > total)) return std::nullopt;
    // The two count what the card keeps to itself differently, by some percent.
    const Bytes difference = memory->total > total ? memory->total - total : total - memory->total;
    if (difference > total / 8) return std::nullopt;
    return std::min(memory->free, total);
}

/// Asks CUDA, which makes a context. In a thread of its own: which card is current belongs to a thread, and setting it
/// back would make a context on the card that was current.
Bytes free_bytes_by_context(int ordinal) {
    cudaError_t error = cudaSuccess;
    std::size_t free = 0;
    std::size_t total = 0;
    std::thread([&] {
        error = cudaSetDevice(ordinal);
        if (error == cudaSuccess) error = cudaMemGetInfo(&free, &total);
        cudaGetLastError();
    }).join();
    check(error, ordinal, "cudaMemGetInfo");
    note_context(ordinal);
    return free;
}

std::vector<MemoryHolder> other_holders(const Managed& managed) {
    if (!managed.card) return {};
    const ProcessNames names;
    std::vector<MemoryHolder> holders = managed.library->holders(*managed.card);
    std::erase_if(holders, [](const MemoryHolder& holder) { return holder.pid == getpid(); });
    for (MemoryHolder& holder : holders) holder.name = names.name_of(holder.pid);
    std::sort(holders.begin(), holders.end(), [](const MemoryHolder& a, const MemoryHolder& b) {
        return a.bytes != b.bytes ? a.bytes > b.bytes : a.pid < b.pid;
    });
    return holders;
}

/// A card and its names; nothing that changes while others use it.
struct IdentifiedCard {
    DeviceInfo info;
    Managed managed;
};

IdentifiedCard identify(int ordinal) {
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, ordinal), ordinal, "cudaGetDeviceProperties");
    IdentifiedCard card;
    card.info.spec = spec_of(ordinal);
    card.info.name = properties.name;
    card.info.kind = DeviceKind::cuda;
    card.info.pci = pci_of(ordinal);
    card.info.total_bytes = properties.totalGlobalMem;
    card.info.compute_capability = std::to_string(properties.major) + "." + std::to_string(properties.minor);
    const std::string digits = uuid_digits(properties.uuid);
    card.managed = find_managed(digits, card.info);
    card.info.uuid = (card.managed.is_mig ? "MIG-" : "GPU-") + digits;
    return card;
}

Bytes free_bytes(const IdentifiedCard& card, int ordinal) {
    if (const auto free = managed_free_bytes(card.managed, card.info.total_bytes)) return *free;
    return free_bytes_by_context(ordinal);
}

DeviceInfo describe_card(int ordinal, int count) {
    IdentifiedCard card = identify(ordinal);
    DeviceInfo& info = card.info;
    info.free_bytes = free_bytes(card, ordinal);
    info.context_bytes = has_context(ordinal) ? 0 : assumed_context_bytes;
    info.bytes_per_second = memory_bytes_per_second(ordinal);
    if (info.bytes_per_second <= 0) info.bytes_per_second = likely_bytes_per_second(info);
    info.numa_node = numa_node_of(ordinal, info.pci);
    info.peers = peers_of(ordinal, count);
    info.holders = other_holders(card.managed);
    return info;
}

std::optional<int> ordinal_in_spec(const std::string& spec) {
    if (spec.rfind("cuda:", 0) != 0) return std::nullopt;
    int ordinal = 0;
    const auto [end, error] = std::from_chars(spec.data() + 5, spec.data() + spec.size(), ordinal);
    if (error != std::errc{} || ordinal < 0 || (end != spec.data() + spec.size() && *end != '=')) return std::nullopt;
    return ordinal;
}

}  // namespace

DeviceInfo identify_card(int ordinal) { return identify(ordinal).info; }

DeviceInfo describe_visible_card(int ordinal, int count) { return describe_card(ordinal, count); }

std::vector<DeviceInfo> cuda_cards() {
    const int count = count_cards();
    warn_about_hidden_cards();
    std::vector<DeviceInfo> cards;
    for (int ordinal = 0; ordinal < count; ++ordinal) cards.push_back(describe_card(ordinal, count));
    return cards;
}

int ordinal_of_card(const DeviceInfo& card) {
    const int count = count_cards();
    for (int ordinal = 0; !card.uuid.empty() && ordinal < count; ++ordinal) {
        if (identify(ordinal).info.uuid == card.uuid) return ordinal;
    }
    const auto ordinal = ordinal_in_spec(card.spec);
    if (card.uuid.empty() && ordinal && *ordinal < count) return *ordinal;
    throw DeviceError(card.spec,
                      "card " + card.spec + (card.uuid.empty() ? "" : " (" + card.uuid + ")") +
                          " is not there, visible cards: " + std::to_string(count),
                      {"list the cards: gpushard devices"});
}

Bytes free_bytes_of_card(const DeviceInfo& card) {
    const int ordinal = ordinal_of_card(card);
    return free_bytes(identify(ordinal), ordinal);
}

std::vector<MemoryHolder> memory_holders(const DeviceInfo& card) {
    return other_holders(identify(ordinal_of_card(card)).managed);
}

}  // namespace gpushard
