#include "runtime/neighbours.h"

#include <cstring>
#include <string>

#include "calls/stream_cards.hpp"
#include "runtime/call.hpp"
#include "runtime/findings.hpp"
#include "runtime/reachable_memory.hpp"
#include "runtime/work.hpp"

using namespace simcuda;

namespace {

std::uintptr_t as_address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

}  // namespace

extern "C" {

simcuda_site* simcuda_site_of(const char* function) { return reinterpret_cast<simcuda_site*>(&CallSite::of(function)); }

int simcuda_enter(simcuda_site* site, int card, int makes_context) {
    const Needs needs = makes_context != 0 ? Needs::context : Needs::nothing;
    switch (begin_call(*reinterpret_cast<CallSite*>(site), card, needs)) {
        case cudaSuccess:
            return simcuda_goes_on;
        case lost_card_error:
            return simcuda_card_lost;
        case cudaErrorNoDevice:
        case cudaErrorInsufficientDriver:
            return simcuda_no_card;
        default:
            return simcuda_fails;
    }
}

int simcuda_current_card() { return current_place(); }

int simcuda_card_of_stream(void* stream) { return card_of(static_cast<cudaStream_t>(stream)).value_or(-1); }

int simcuda_submit(void* stream, simcuda_work work, void* argument) {
    const auto place = card_of(static_cast<cudaStream_t>(stream));
    if (!place || card_is_lost(*place)) {
        work(argument, 0);
        return place ? simcuda_card_lost : simcuda_fails;
    }
    submit(*place, static_cast<cudaStream_t>(stream), [work, argument](bool run) { work(argument, run ? 1 : 0); });
    return simcuda_goes_on;
}

void* simcuda_reach(int card, const void* address, unsigned long long bytes, const char* what) {
    ReachableMemory memory(card);
    const auto begin = as_address(address);
    const interpreter::Reach found = memory.find(begin);
    const std::uint64_t offset = begin - found.begin;
    if (found.bytes == 0 || bytes > found.bytes - offset) {
        Findings::instance().report({interpreter::FindingKind::invalid_access, what,
                                     std::to_string(bytes) + " bytes at " + memory.describe(begin, bytes)});
        Simulator::instance().card(card).lose();
        return nullptr;
    }
    return found.data + offset;
}

void simcuda_reads(int card, const void* address, unsigned long long bytes, unsigned long long pitch,
                   unsigned long long rows, const char* what) {
    ReachableMemory memory(card);
    const interpreter::Reach found = memory.find(as_address(address));
    Simulator::instance().card(card).count_traffic({.loaded = bytes * rows, .stored = 0});
    if (found.written == nullptr) return;
    const std::uint8_t* const written = found.written + (as_address(address) - found.begin);
    for (unsigned long long row = 0; row < rows; ++row) {
        const auto unwritten = static_cast<const std::uint8_t*>(std::memchr(written + row * pitch, 0, bytes));
        if (unwritten == nullptr) continue;
        const auto where = as_address(address) + static_cast<std::uintptr_t>(unwritten - written);
        Findings::instance().report(
            {interpreter::FindingKind::unwritten_read, what, "reads " + memory.describe(where, 1)});
        return;
    }
}

void simcuda_writes(int card, const void* address, unsigned long long bytes, unsigned long long pitch,
                    unsigned long long rows) {
    const interpreter::Reach found = ReachableMemory(card).find(as_address(address));
    Simulator::instance().card(card).count_traffic({.loaded = 0, .stored = bytes * rows});
    if (found.written == nullptr) return;
    std::uint8_t* const written = found.written + (as_address(address) - found.begin);
    for (unsigned long long row = 0; row < rows; ++row) std::memset(written + row * pitch, 1, bytes);
}

void simcuda_handle_opened() {
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    ++simulator.handles;
}

void simcuda_handle_closed() {
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    --simulator.handles;
}

int simcuda_driver_version() { return Simulator::instance().driver_version(); }

const char* simcuda_driver_name() { return Simulator::instance().driver_name().c_str(); }

int simcuda_card_by_pci_order(int index) {
    const std::vector<int> places = Simulator::instance().places_by_pci();
    if (index < 0 || index >= static_cast<int>(places.size())) return -1;
    return places[static_cast<std::size_t>(index)];
}

int simcuda_facts_of(int card, simcuda_card_facts* facts) {
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    if (!simulator.has_card(card)) return 0;
    const Card& found = simulator.card(card);
    const CardSpec& spec = found.spec();
    const PciAddress pci = parse_pci(spec.pci);
    *facts = {};
    spec.name.copy(facts->name, sizeof facts->name - 1);
    spec.uuid.copy(facts->uuid, sizeof facts->uuid - 1);
    facts->pci_domain = pci.domain;
    facts->pci_bus = pci.bus;
    facts->pci_device = pci.device;
    facts->compute_capability = spec.compute_capability;
    facts->numa_node = spec.numa_node;
    facts->multi_instance = spec.multi_instance ? 1 : 0;
    facts->multi_instance_pending = spec.multi_instance_pending ? 1 : 0;
    facts->persistence = spec.persistence ? 1 : 0;
    facts->ecc = static_cast<int>(spec.ecc) - 1;
    facts->uncorrected_errors = spec.uncorrected_errors;
    facts->remap = static_cast<int>(spec.remap);
    facts->retire = static_cast<int>(spec.retire);
    facts->lost = found.lost() ? 1 : 0;
    facts->total_bytes = spec.total_bytes;
    facts->free_bytes = found.free();
    facts->own_bytes = found.allocated() + found.context_charge();
    facts->others_bytes = found.held_by_others();
    return 1;
}

}  // extern "C"
