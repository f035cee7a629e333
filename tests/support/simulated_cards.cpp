#include "support/simulated_cards.hpp"

#include <dlfcn.h>
#include <stdexcept>

#include "simcuda/simcuda.h"

namespace gpushard::test {
namespace {

/// A function of simcuda.h; null where the cards are not simulated.
template <typename Function>
Function* find(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

template <typename Function>
Function* require(const char* name) {
    Function* const function = find<Function>(name);
    if (function == nullptr) {
        throw std::logic_error(std::string(name) + ": the cards are not simulated (tests/simcuda/README.md)");
    }
    return function;
}

#define SIMULATED(function) require<decltype(function)>(#function)

void check(int succeeded, const std::string& text) {
    if (succeeded == 0) throw std::logic_error("\"" + text + "\": " + SIMULATED(simcuda_message)());
}

const char* name_of(CopyDirection direction) {
    switch (direction) {
        case CopyDirection::to_card:
            return "h2d";
        case CopyDirection::from_card:
            return "d2h";
        case CopyDirection::between_cards:
            break;
    }
    return "d2d";
}

}  // namespace

bool simulated_cards_are_there() { return find<decltype(simcuda_card_count)>("simcuda_card_count") != nullptr; }

bool cards_compute() {
    const auto computes = find<decltype(simcuda_computes)>("simcuda_computes");
    return computes == nullptr || computes() != 0;
}

void set_simulated_cards(const std::string& cards) { check(SIMULATED(simcuda_set_cards)(cards.c_str()), cards); }

void set_card_faults(const std::string& faults) { check(SIMULATED(simcuda_set_faults)(faults.c_str()), faults); }

int simulated_card_count() { return SIMULATED(simcuda_card_count)(); }
Bytes card_bytes(int card) { return SIMULATED(simcuda_current_bytes)(card); }
Bytes card_peak_bytes(int card) { return SIMULATED(simcuda_peak_bytes)(card); }
Bytes card_context_bytes(int card) { return SIMULATED(simcuda_context_bytes)(card); }
Bytes card_allocations(int card) { return SIMULATED(simcuda_allocations)(card); }
void reset_card_peaks() { SIMULATED(simcuda_reset_peaks)(); }

void reset_card_counts() { SIMULATED(simcuda_reset_counts)(); }
Bytes card_calls(const std::string& function, int card) { return SIMULATED(simcuda_calls)(function.c_str(), card); }
Bytes card_launches(int card) { return SIMULATED(simcuda_launches)(card); }
Bytes card_bytes_copied(CopyDirection direction, int card) {
    return SIMULATED(simcuda_bytes_copied)(card, name_of(direction));
}

Bytes card_bytes_loaded(int card) { return SIMULATED(simcuda_bytes_loaded)(card); }
Bytes card_bytes_stored(int card) { return SIMULATED(simcuda_bytes_stored)(card); }

std::vector<std::string> card_findings() {
    std::vector<std::string> findings(SIMULATED(simcuda_finding_count)());
    for (std::size_t i = 0; i < findings.size(); ++i) findings[i] = SIMULATED(simcuda_finding)(i);
    return findings;
}

void clear_card_findings() { SIMULATED(simcuda_clear_findings)(); }
void finish_card_work() { SIMULATED(simcuda_finish_all)(); }

Bytes pinned_bytes() { return SIMULATED(simcuda_pinned_bytes)(); }
Bytes pinned_peak_bytes() { return SIMULATED(simcuda_pinned_peak_bytes)(); }
Bytes open_cuda_objects() { return SIMULATED(simcuda_open_objects)(); }

Bytes take_card_memory(int card, Bytes bytes) { return SIMULATED(simcuda_take)(card, bytes); }
Bytes give_card_memory(int card, Bytes bytes) { return SIMULATED(simcuda_give)(card, bytes); }

}  // namespace gpushard::test
