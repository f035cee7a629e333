#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gpushard/bytes.hpp>

/// The simulated cards of tests/simcuda, for tests that also run on real ones: found at run time. A card is named by
/// its place in the typed rig. All but the first two throw std::logic_error where the cards are not simulated.
namespace gpushard::test {

bool simulated_cards_are_there();

/// True on real cards, and on simulated ones whose kernels compute: answers may be checked.
bool cards_compute();

/// The grammar of SIMCUDA_CARDS. Faiss remembers the cards it saw first: where it is used, before it is, and once in a
/// process. Throws std::logic_error when it is wrong or memory is still allocated.
void set_simulated_cards(const std::string& cards);
/// The grammar of SIMCUDA_FAULTS; calls count from now. Throws std::logic_error when it is wrong.
void set_card_faults(const std::string& faults);

int simulated_card_count();
Bytes card_bytes(int card);  ///< allocated by this process, context excluded
Bytes card_peak_bytes(int card);
Bytes card_context_bytes(int card);
Bytes card_allocations(int card);  ///< alive; -1: on all cards
void reset_card_peaks();

void reset_card_counts();
/// Calls of a function of CUDA, cuBLAS or NVML on a card; -1: all.
Bytes card_calls(const std::string& function, int card = -1);
Bytes card_launches(int card = -1);
enum class CopyDirection { to_card, from_card, between_cards };
Bytes card_bytes_copied(CopyDirection direction, int card = -1);

/// Global memory that kernels and products asked for; -1: on all cards.
Bytes card_bytes_loaded(int card = -1);
Bytes card_bytes_stored(int card = -1);

/// What kernels, products and copies did that they must not, oldest first, since they were cleared.
std::vector<std::string> card_findings();
void clear_card_findings();
/// Runs what was submitted to streams and has not run yet.
void finish_card_work();

Bytes pinned_bytes();
Bytes pinned_peak_bytes();
Bytes open_cuda_objects();  ///< streams, events and cuBLAS handles

/// Another process takes memory, as far as there is any, or gives it back; what it took or gave.
Bytes take_card_memory(int card, Bytes bytes);
Bytes give_card_memory(int card, Bytes bytes);

/// Types faults for as long as it lives.
class CardFaults {
public:
    explicit CardFaults(const std::string& faults) { set_card_faults(faults); }
    CardFaults(const CardFaults&) = delete;
    CardFaults& operator=(const CardFaults&) = delete;
    ~CardFaults() { set_card_faults(""); }
};

}  // namespace gpushard::test
