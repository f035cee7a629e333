#include <string>

#include "rig/text.hpp"
#include "runtime/call_site.hpp"
#include "runtime/findings.hpp"
#include "runtime/simulator.hpp"
#include "runtime/work.hpp"
#include "simcuda.h"

using namespace simcuda;

namespace {

thread_local std::string message;

template <typename Set>
int set_or_tell(Set set) {
    try {
        set();
        return 1;
    } catch (const BadText& error) {
        message = error.what();
        return 0;
    }
}

/// A value of the card at `place`, read under the lock; 0 when there is no such card.
template <typename Read>
unsigned long long of_card(int place, Read read) {
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    return simulator.has_card(place) ? read(simulator.card(place)) : 0;
}

/// The same, summed over all cards for -1.
template <typename Read>
unsigned long long of_card_or_all(int place, Read read) {
    if (place >= 0) return of_card(place, read);
    unsigned long long sum = 0;
    for (int i = 0; i < Simulator::instance().card_count(); ++i) sum += of_card(i, read);
    return sum;
}

}  // namespace

extern "C" {

int simcuda_set_cards(const char* cards) {
    return set_or_tell([&] { Simulator::instance().set_cards(cards); });
}

int simcuda_set_faults(const char* faults) {
    return set_or_tell([&] { Simulator::instance().set_faults(faults); });
}

const char* simcuda_message() { return message.c_str(); }

int simcuda_card_count() { return Simulator::instance().card_count(); }

unsigned long long simcuda_current_bytes(int card) {
    return of_card(card, [](const Card& found) { return found.allocated(); });
}

unsigned long long simcuda_peak_bytes(int card) {
    return of_card(card, [](const Card& found) { return found.peak(); });
}

unsigned long long simcuda_context_bytes(int card) {
    return of_card(card, [](const Card& found) { return found.context_charge(); });
}

unsigned long long simcuda_allocations(int card) {
    return of_card_or_all(card, [](const Card& found) { return found.memory.allocation_count(); });
}

void simcuda_reset_peaks() { Simulator::instance().reset_peaks(); }

void simcuda_reset_counts() { Simulator::instance().reset_counts(); }

unsigned long long simcuda_calls(const char* function, int card) { return CallSite::of(function).calls(card); }

unsigned long long simcuda_launches(int card) {
    return of_card_or_all(card, [](const Card& found) { return found.launches(); });
}

unsigned long long simcuda_bytes_copied(int card, const char* direction) {
    const auto parsed = parse_direction(direction);
    if (!parsed) return 0;
    return of_card_or_all(card, [parsed](const Card& found) { return found.copied(*parsed); });
}

unsigned long long simcuda_pinned_bytes() {
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    return simulator.host.pinned_bytes();
}

unsigned long long simcuda_pinned_peak_bytes() {
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    return simulator.host.pinned_peak_bytes();
}

unsigned long long simcuda_open_objects() {
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    return simulator.streams.size() + simulator.events.size() + simulator.handles;
}

unsigned long long simcuda_take(int card, unsigned long long bytes) {
    return of_card(card, [bytes](Card& found) { return found.take(bytes); });
}

unsigned long long simcuda_give(int card, unsigned long long bytes) {
    return of_card(card, [bytes](Card& found) { return found.give(bytes); });
}

int simcuda_computes() { return Simulator::instance().computes() ? 1 : 0; }

unsigned long long simcuda_bytes_loaded(int card) {
    return of_card_or_all(card, [](const Card& found) { return found.loaded(); });
}

unsigned long long simcuda_bytes_stored(int card) {
    return of_card_or_all(card, [](const Card& found) { return found.stored(); });
}

void simcuda_finish_all() { finish_all(); }

unsigned long long simcuda_finding_count() { return Findings::instance().count(); }

const char* simcuda_finding(unsigned long long index) { return Findings::instance().text(index); }

void simcuda_clear_findings() { Findings::instance().clear(); }

}  // extern "C"
