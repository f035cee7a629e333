#pragma once

#include <cstdint>

#include <gpushard/bytes.hpp>

namespace gpushard::bench {

/// What the cards did since the counts were reset, all of them together.
struct CardCounts {
    std::uint64_t mallocs = 0;
    Bytes copied_bytes = 0;  ///< to the cards and within them
    std::uint64_t launches = 0;
    Bytes peak_bytes = 0;    ///< of the fullest card
    Bytes loaded_bytes = 0;  ///< of global memory, by kernels and matrix products; see measures_traffic()
    Bytes stored_bytes = 0;
};

/// The counters of a CUDA runtime that has some: the simulated cards under tests/. They are looked up by name in the
/// running process, and nothing needs them.
class CardCounters {
public:
    /// Null where the runtime does not count.
    static const CardCounters* find();

    void reset() const;
    CardCounts counts() const;
    /// Whether kernels compute, so that answers mean something.
    bool computes() const;
    /// Whether it counts what kernels load and store.
    bool measures_traffic() const;

private:
    using Count = unsigned long long;

    int (*card_count_)() = nullptr;
    int (*computes_)() = nullptr;
    void (*reset_counts_)() = nullptr;
    void (*reset_peaks_)() = nullptr;
    Count (*calls_)(const char* function, int card) = nullptr;
    Count (*launches_)(int card) = nullptr;
    Count (*bytes_copied_)(int card, const char* direction) = nullptr;
    Count (*peak_bytes_)(int card) = nullptr;
    // Not every runtime that counts has these.
    Count (*bytes_loaded_)(int card) = nullptr;
    Count (*bytes_stored_)(int card) = nullptr;
    void (*finish_all_)() = nullptr;
};

}  // namespace gpushard::bench
