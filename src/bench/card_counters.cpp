#include "bench/card_counters.hpp"

#include <algorithm>
#include <dlfcn.h>
#include <optional>

namespace gpushard::bench {
namespace {

template <typename Function>
bool look_up(Function*& function, const char* name) {
    function = reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
    return function != nullptr;
}

}  // namespace

const CardCounters* CardCounters::find() {
    static const std::optional<CardCounters> found = []() -> std::optional<CardCounters> {
        CardCounters counters;
        const bool complete =
            look_up(counters.card_count_, "simcuda_card_count") && look_up(counters.computes_, "simcuda_computes") &&
            look_up(counters.reset_counts_, "simcuda_reset_counts") &&
            look_up(counters.reset_peaks_, "simcuda_reset_peaks") && look_up(counters.calls_, "simcuda_calls") &&
            look_up(counters.launches_, "simcuda_launches") &&
            look_up(counters.bytes_copied_, "simcuda_bytes_copied") &&
            look_up(counters.peak_bytes_, "simcuda_peak_bytes");
        if (!complete) return std::nullopt;
        look_up(counters.bytes_loaded_, "simcuda_bytes_loaded");
        look_up(counters.bytes_stored_, "simcuda_bytes_stored");
        look_up(counters.finish_all_, "simcuda_finish_all");
        return counters;
    }();
    return found ? &*found : nullptr;
}

void CardCounters::reset() const {
    if (finish_all_ != nullptr) finish_all_();
    reset_counts_();
    reset_peaks_();
}

CardCounts CardCounters::counts() const {
    if (finish_all_ != nullptr) finish_all_();
    CardCounts counts;
    for (int card = 0; card < card_count_(); ++card) {
        counts.mallocs += calls_("cudaMalloc", card);
        counts.copied_bytes += bytes_copied_(card, "h2d") + bytes_copied_(card, "d2d");
        counts.launches += launches_(card);
        counts.peak_bytes = std::max<Bytes>(counts.peak_bytes, peak_bytes_(card));
        if (!measures_traffic()) continue;
        counts.loaded_bytes += bytes_loaded_(card);
        counts.stored_bytes += bytes_stored_(card);
    }
    return counts;
}

bool CardCounters::computes() const { return computes_() != 0; }

bool CardCounters::measures_traffic() const {
    return computes() && bytes_loaded_ != nullptr && bytes_stored_ != nullptr;
}

}  // namespace gpushard::bench
