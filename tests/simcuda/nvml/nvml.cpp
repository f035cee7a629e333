// The part of NVML that tells what is free on every card of the machine, and who holds the rest.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "nvml/nvml_abi.hpp"
#include "runtime/neighbours.h"

using nvml::Result;

namespace {

/// Process that holds what SIMCUDA_CARDS, take@ and simcuda_take type; one for each card.
constexpr unsigned first_foreign_pid = 4'000'001;

std::atomic<int> users{0};

nvml::Device* handle_of(int card) { return reinterpret_cast<nvml::Device*>(static_cast<std::uintptr_t>(card) + 1); }
int card_of(nvml::Device* handle) { return static_cast<int>(reinterpret_cast<std::uintptr_t>(handle)) - 1; }

/// One call; `body` returns a Result.
template <typename Body>
Result perform(const char* function, int card, Body body) {
    if (users == 0) return nvml::uninitialized;
    if (simcuda_enter(simcuda_site_of(function), card, 0) != simcuda_goes_on) return nvml::unknown;
    return body();
}

template <typename Body>
Result perform_on(const char* function, nvml::Device* device, Body body) {
    const int card = card_of(device);
    return perform(function, card, [&] {
        simcuda_card_facts facts;
        if (simcuda_facts_of(card, &facts) == 0) return nvml::invalid_argument;
        return facts.lost != 0 ? nvml::gpu_is_lost : body(facts);
    });
}

/// The first card, in NVML's order, that `matches(facts)`.
template <typename Matches>
Result find_card(nvml::Device** device, Matches matches) {
    for (int index = 0;; ++index) {
        const int card = simcuda_card_by_pci_order(index);
        if (card < 0) return nvml::not_found;
        simcuda_card_facts facts;
        if (simcuda_facts_of(card, &facts) == 0 || !matches(facts)) continue;
        *device = handle_of(card);
        return facts.lost != 0 ? nvml::gpu_is_lost : nvml::success;
    }
}

Result copy_text(std::string_view text, char* buffer, unsigned length) {
    if (text.size() >= length) return nvml::insufficient_size;
    std::memcpy(buffer, text.data(), text.size());
    buffer[text.size()] = '\0';
    return nvml::success;
}

std::vector<nvml::ProcessInfo> processes_on(int card, const simcuda_card_facts& facts) {
    constexpr unsigned no_instance = 0xFFFFFFFF;
    std::vector<nvml::ProcessInfo> processes;
    if (facts.others_bytes > 0) {
        processes.push_back(
            {first_foreign_pid + static_cast<unsigned>(card), facts.others_bytes, no_instance, no_instance});
    }
    if (facts.own_bytes > 0) {
        processes.push_back({static_cast<unsigned>(getpid()), facts.own_bytes, no_instance, no_instance});
    }
    return processes;
}

struct Address {
    unsigned domain = 0;
    unsigned bus = 0;
    unsigned device = 0;
};

std::optional<Address> parse_bus_id(const char* text) {
    Address address;
    if (std::sscanf(text, "%x:%x:%x", &address.domain, &address.bus, &address.device) == 3) return address;
    address.domain = 0;
    if (std::sscanf(text, "%x:%x", &address.bus, &address.device) == 2) return address;
    return std::nullopt;
}

}  // namespace

extern "C" {

Result nvmlInit_v2() {
    if (simcuda_enter(simcuda_site_of(__func__), -1, 0) != simcuda_goes_on) return nvml::unknown;
    if (simcuda_driver_version() == 0) return nvml::driver_not_loaded;
    ++users;
    return nvml::success;
}

Result nvmlInit() { return nvmlInit_v2(); }

Result nvmlShutdown() {
    return perform(__func__, -1, [] {
        --users;
        return nvml::success;
    });
}

const char* nvmlErrorString(Result result) {
    switch (result) {
        case nvml::success:
            return "Success";
        case nvml::uninitialized:
            return "Uninitialized";
        case nvml::invalid_argument:
            return "Invalid Argument";
        case nvml::not_supported:
            return "Not Supported";
        case nvml::not_found:
            return "Not Found";
        case nvml::insufficient_size:
            return "Insufficient Size";
        case nvml::driver_not_loaded:
            return "Driver Not Loaded";
        case nvml::gpu_is_lost:
            return "GPU is lost";
        case nvml::unknown:
            break;
    }
    return "Unknown Error";
}

Result nvmlSystemGetDriverVersion(char* text, unsigned length) {
    return perform(__func__, -1, [&] { return copy_text(simcuda_driver_name(), text, length); });
}

Result nvmlSystemGetProcessName(unsigned pid, char* text, unsigned length) {
    return perform(__func__, -1, [&] {
        if (pid != static_cast<unsigned>(getpid())) {
            return pid < first_foreign_pid ? nvml::not_found : copy_text("simulated-neighbour", text, length);
        }
        char path[256] = "";
        const ssize_t bytes = readlink("/proc/self/exe", path, sizeof path);
        return copy_text(std::string_view(path, bytes < 0 ? 0 : static_cast<std::size_t>(bytes)), text, length);
    });
}

Result nvmlDeviceGetCount_v2(unsigned* count) {
    return perform(__func__, -1, [&] {
        for (*count = 0; simcuda_card_by_pci_order(static_cast<int>(*count)) >= 0;) ++*count;
        return nvml::success;
    });
}

Result nvmlDeviceGetHandleByIndex_v2(unsigned index, nvml::Device** device) {
    return perform(__func__, -1, [&] {
        const int card = simcuda_card_by_pci_order(static_cast<int>(index));
        if (card < 0) return nvml::invalid_argument;
        *device = handle_of(card);
        return nvml::success;
    });
}

Result nvmlDeviceGetHandleByUUID(const char* uuid, nvml::Device** device) {
    return perform(__func__, -1, [&] {
        return find_card(device, [uuid](const simcuda_card_facts& card) { return std::strcmp(card.uuid, uuid) == 0; });
    });
}

Result nvmlDeviceGetHandleByPciBusId_v2(const char* bus_id, nvml::Device** device) {
    return perform(__func__, -1, [&] {
        const auto wanted = parse_bus_id(bus_id);
        if (!wanted) return nvml::invalid_argument;
        return find_card(device, [wanted](const simcuda_card_facts& card) {
            return card.pci_domain == wanted->domain && card.pci_bus == wanted->bus &&
                   card.pci_device == wanted->device;
        });
    });
}

Result nvmlDeviceGetIndex(nvml::Device* device, unsigned* index) {
    return perform_on(__func__, device, [&](const simcuda_card_facts&) {
        for (*index = 0; simcuda_card_by_pci_order(static_cast<int>(*index)) != card_of(device);) ++*index;
        return nvml::success;
    });
}

Result nvmlDeviceGetName(nvml::Device* device, char* text, unsigned length) {
    return perform_on(__func__, device,
                      [&](const simcuda_card_facts& card) { return copy_text(card.name, text, length); });
}

Result nvmlDeviceGetUUID(nvml::Device* device, char* text, unsigned length) {
    return perform_on(__func__, device,
                      [&](const simcuda_card_facts& card) { return copy_text(card.uuid, text, length); });
}

Result nvmlDeviceGetPciInfo_v3(nvml::Device* device, nvml::PciInfo* pci) {
    return perform_on(__func__, device, [&](const simcuda_card_facts& card) {
        *pci = {};
        pci->domain = card.pci_domain;
        pci->bus = card.pci_bus;
        pci->device = card.pci_device;
        std::snprintf(pci->bus_id, sizeof pci->bus_id, "%08X:%02X:%02X.0", card.pci_domain, card.pci_bus & 0xFFU,
                      card.pci_device & 0xFFU);
        std::snprintf(pci->legacy_bus_id, sizeof pci->legacy_bus_id, "%04X:%02X:%02X.0", card.pci_domain & 0xFFFFU,
                      card.pci_bus & 0xFFU, card.pci_device & 0xFFU);
        return nvml::success;
    });
}

Result nvmlDeviceGetMemoryInfo(nvml::Device* device, nvml::Memory* memory) {
    return perform_on(__func__, device, [&](const simcuda_card_facts& card) {
        *memory = {card.total_bytes, card.free_bytes, card.total_bytes - card.free_bytes};
        return nvml::success;
    });
}

Result nvmlDeviceGetCudaComputeCapability(nvml::Device* device, int* major, int* minor) {
    return perform_on(__func__, device, [&](const simcuda_card_facts& card) {
        *major = card.compute_capability / 10;
        *minor = card.compute_capability % 10;
        return nvml::success;
    });
}

Result nvmlDeviceGetMigMode(nvml::Device* device, unsigned* current, unsigned* pending) {
    return perform_on(__func__, device, [&](const simcuda_card_facts& card) {
        if (card.multi_instance == 0 && card.multi_instance_pending == 0) return nvml::not_supported;
        *current = static_cast<unsigned>(card.multi_instance);
        *pending = 1;
        return nvml::success;
    });
}

Result nvmlDeviceGetPersistenceMode(nvml::Device* device, unsigned* mode) {
    return perform_on(__func__, device, [&](const simcuda_card_facts& card) {
        *mode = static_cast<unsigned>(card.persistence);
        return nvml::success;
    });
}

Result nvmlDeviceGetEccMode(nvml::Device* device, unsigned* current, unsigned* pending) {
    return perform_on(__func__, device, [&](const simcuda_card_facts& card) {
        if (card.ecc < 0) return nvml::not_supported;
        *current = *pending = static_cast<unsigned>(card.ecc);
        return nvml::success;
    });
}

Result nvmlDeviceGetTotalEccErrors(nvml::Device* device, int type, int, unsigned long long* count) {
    return perform_on(__func__, device, [&](const simcuda_card_facts& card) {
        if (card.ecc != 1) return nvml::not_supported;
        *count = type == nvml::uncorrected_error ? card.uncorrected_errors : 0;
        return nvml::success;
    });
}

Result nvmlDeviceGetRemappedRows(nvml::Device* device, unsigned* corrected, unsigned* uncorrected, unsigned* pending,
                                 unsigned* failed) {
    return perform_on(__func__, device, [&](const simcuda_card_facts& card) {
        if (card.ecc < 0) return nvml::not_supported;
        *corrected = 0;
        *uncorrected = card.remap == 0 ? 0 : 1;
        *pending = card.remap == 1 ? 1 : 0;
        *failed = card.remap == 2 ? 1 : 0;
        return nvml::success;
    });
}

Result nvmlDeviceGetRetiredPages(nvml::Device* device, int cause, unsigned* count, unsigned long long* addresses) {
    return perform_on(__func__, device, [&](const simcuda_card_facts& card) {
        if (card.ecc < 0) return nvml::not_supported;
        const unsigned room = *count;
        *count = cause == nvml::double_bit_error && card.retire == 1 ? 1 : 0;
        if (*count == 0) return nvml::success;
        if (addresses == nullptr || room < *count) return nvml::insufficient_size;
        addresses[0] = 0;
        return nvml::success;
    });
}

Result nvmlDeviceGetRetiredPagesPendingStatus(nvml::Device* device, unsigned* pending) {
    return perform_on(__func__, device, [&](const simcuda_card_facts& card) {
        if (card.ecc < 0) return nvml::not_supported;
        *pending = card.retire == 1 ? 1 : 0;
        return nvml::success;
    });
}

Result nvmlDeviceGetNumaNodeId(nvml::Device* device, unsigned* node) {
    return perform_on(__func__, device, [&](const simcuda_card_facts& card) {
        *node = static_cast<unsigned>(card.numa_node);
        return nvml::success;
    });
}

Result nvmlDeviceGetComputeRunningProcesses_v3(nvml::Device* device, unsigned* count, nvml::ProcessInfo* processes) {
    return perform_on(__func__, device, [&](const simcuda_card_facts& card) {
        const std::vector<nvml::ProcessInfo> running = processes_on(card_of(device), card);
        const unsigned room = *count;
        *count = static_cast<unsigned>(running.size());
        if (running.empty()) return nvml::success;
        if (processes == nullptr || room < running.size()) return nvml::insufficient_size;
        std::copy(running.begin(), running.end(), processes);
        return nvml::success;
    });
}

Result nvmlDeviceGetGraphicsRunningProcesses_v3(nvml::Device* device, unsigned* count, nvml::ProcessInfo*) {
    return perform_on(__func__, device, [&](const simcuda_card_facts&) {
        *count = 0;
        return nvml::success;
    });
}

}  // extern "C"
