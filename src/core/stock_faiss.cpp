#include <algorithm>
#include <optional>

#include <gpushard/stock_faiss.hpp>

#include "core/card_memory.hpp"

namespace gpushard {
namespace {

/// The allocation that failed, as Faiss names it.
struct FailedRequest {
    const char* type = "";
    Bytes bytes = 0;

    std::string message(std::size_t card) const {
        return std::string("StandardGpuResources: alloc fail type ") + type + " dev " + std::to_string(card) +
               " space Device stream ... size " + std::to_string(bytes) + " bytes (cudaMalloc error out of memory [2])";
    }
};

/// The memory of one card while Faiss fills it: what StandardGpuResources would have counted. Requests return false
/// once one has failed.
class CardReplay {
public:
    CardReplay(Bytes limit, Bytes total) : limit_(limit), stack_bytes_(default_temp_stack(total)), stack_(0) {}

    bool create_stack() {
        stack_ = TempStack(stack_bytes_);
        return allocate("TemporaryMemoryBuffer", stack_bytes_);
    }

    bool allocate_vectors(Bytes bytes) {
        if (!allocate("FlatData", bytes)) return false;
        vectors_ = card_rounded(bytes);
        return true;
    }

    /// FlatIndex::add computes the norms of all vectors so far, whatever the metric, into a new array and lets go of
    /// the old one afterwards.
    bool replace_norms(Bytes bytes) {
        const Bytes old = norms_;
        if (!allocate("FlatData", bytes)) return false;
        norms_ = card_rounded(bytes);
        current_ -= old;
        return true;
    }

    /// Puts the norms at the size they have before some later page.
    void resume_with_norms(Bytes bytes) {
        current_ = checked_add(current_ - norms_, card_rounded(bytes));
        norms_ = card_rounded(bytes);
    }

    /// Two temporaries that live together: from the stack as far as they fit, from cudaMalloc beyond.
    bool use_temporaries(Bytes first, Bytes second) { return take_temporary(first) && take_temporary(second); }

    void release_temporaries() {
        for (const Bytes bytes : from_stack_) stack_.give_back(bytes);
        current_ -= overflow_;
        from_stack_.clear();
        overflow_ = 0;
    }

    /// The index is destroyed; the resources, and with them the stack, live on.
    void release_index() {
        current_ -= vectors_ + norms_;
        vectors_ = norms_ = 0;
    }

    Bytes peak() const { return peak_; }
    Bytes held() const { return current_; }
    const std::optional<FailedRequest>& failure() const { return failure_; }

private:
    bool allocate(const char* type, Bytes bytes) {
        const Bytes rounded = card_rounded(bytes);
        if (failure_) return false;
        if (current_ > limit_ || rounded > limit_ - current_) {
            failure_ = FailedRequest{type, rounded};
            return false;
        }
        current_ += rounded;
        peak_ = std::max(peak_, current_);
        return true;
    }

    bool take_temporary(Bytes bytes) {
        const Bytes rounded = card_rounded(bytes);
        if (stack_.take(rounded)) {
            from_stack_.push_back(rounded);
            return true;
        }
        if (!allocate("TemporaryMemoryOverflow", bytes)) return false;
        overflow_ += rounded;
        return true;
    }

    Bytes limit_;
    Bytes stack_bytes_;
    TempStack stack_;
    std::vector<Bytes> from_stack_;
    Bytes overflow_ = 0;
    Bytes vectors_ = 0;
    Bytes norms_ = 0;
    Bytes current_ = 0;
    Bytes peak_ = 0;
    std::optional<FailedRequest> failure_;
};

/// What of the index goes to one card.
struct StockShard {
    Bytes rows = 0;
    Bytes dim = 0;
    Precision precision = Precision::f32;

    Bytes bytes(Bytes row_count, Precision as) const {
        return checked_multiply(checked_multiply(row_count, dim), element_bytes(as));
    }
};

Bytes norm_bytes(Bytes rows) { return checked_multiply(4, rows); }

/// GpuIndexFlat::copyFrom in one unpaged add: in float16 the whole float32 input and a converted copy of it stand
/// beside the storage. (gpu/impl/FlatIndex.cu, FlatIndex::add)
void copy_whole(CardReplay& card, const StockShard& shard) {
    if (shard.precision == Precision::f16) {
        const bool staged =
            card.use_temporaries(shard.bytes(shard.rows, Precision::f32), shard.bytes(shard.rows, Precision::f16));
        if (!staged) return card.release_temporaries();
    }
    const bool stored = card.allocate_vectors(shard.bytes(shard.rows, shard.precision));
    card.release_temporaries();
    if (stored) card.replace_norms(norm_bytes(shard.rows));
}

/// The pages in which GpuIndex::addPaged_ adds float16 vectors (gpu/GpuIndex.cu).
class PagedAdd {
public:
    explicit PagedAdd(const StockShard& shard) : shard_(shard), page_rows_(rows_per_page(shard)) {}

    void replay(CardReplay& card) const {
        if (!card.allocate_vectors(shard_.bytes(shard_.rows, Precision::f16))) return;
        // Every full page takes as much as the one before and longer norms: the first that fails is found by
        // bisection, and where none fails the last ones have the highest peak.
        const Bytes full_pages = shard_.rows / page_rows_;
        Bytes fitting = 0;
        for (Bytes failing = full_pages; fitting < failing;) {
            const Bytes middle = fitting + (failing - fitting) / 2;
            CardReplay trial = card;
            trial.resume_with_norms(norm_bytes(middle * page_rows_));
            if (add_page(trial, middle)) {
                fitting = middle + 1;
            } else {
                failing = middle;
            }
        }
        Bytes page = fitting > 0 ? fitting - 1 : 0;
        card.resume_with_norms(norm_bytes(page * page_rows_));
        while (page * page_rows_ < shard_.rows && add_page(card, page)) ++page;
    }

private:
    static Bytes rows_per_page(const StockShard& shard) {
        constexpr Bytes page_bytes = 256_MiB;
        constexpr Bytes unpaged_rows = 524288;
        constexpr Bytes search_page_rows = 32768;
        if (shard.bytes(shard.rows, Precision::f32) <= page_bytes && shard.rows <= unpaged_rows) return shard.rows;
        const Bytes by_size = std::max<Bytes>(1, page_bytes / shard.bytes(1, Precision::f32));
        return std::min({shard.rows, by_size, search_page_rows});
    }

    /// Adds one page to a card that holds all pages before it.
    bool add_page(CardReplay& card, Bytes page) const {
        const Bytes before = page * page_rows_;
        const Bytes after = std::min(shard_.rows, before + page_rows_);
        const bool staged = card.use_temporaries(shard_.bytes(after - before, Precision::f32),
                                                 shard_.bytes(after - before, Precision::f16));
        card.release_temporaries();
        return staged && card.replace_norms(norm_bytes(after));
    }

    StockShard shard_;
    Bytes page_rows_;
};

Bytes card_limit(const DeviceInfo& card) { return card.free_bytes - std::min(card.free_bytes, card.context_bytes); }

/// Row i x count / cards, where the cloner cuts shard i, without forming the product.
Bytes shard_begin(Bytes count, Bytes cards, Bytes i) { return count / cards * i + count % cards * i / cards; }

/// Creates the resources of one card and fills its shard, as the cloner does one card after another. A single card
/// is filled by the constructor of its index, which undoes itself when it fails; a shard is created first and added
/// to, and is leaked.
void fill(CardReplay& card, const StockShard& shard, bool alone) {
    if (!card.create_stack() || shard.rows == 0) return;
    if (alone || shard.precision == Precision::f32) {
        copy_whole(card, shard);
    } else {
        PagedAdd(shard).replay(card);
    }
    if (alone && card.failure()) card.release_index();
}

std::string describe_success(const StockFaissOutcome& outcome) {
    const auto fullest = std::max_element(outcome.peak_bytes.begin(), outcome.peak_bytes.end());
    const Bytes held = outcome.held_bytes[static_cast<std::size_t>(fullest - outcome.peak_bytes.begin())];
    return "loads; the fullest card peaks at " + format_bytes(*fullest) + " and keeps " + format_bytes(held);
}

}  // namespace

std::string_view to_string(StockFaissOutcome::Kind outcome) {
    switch (outcome) {
        case StockFaissOutcome::Kind::not_applicable:
            return "not_applicable";
        case StockFaissOutcome::Kind::loads:
            return "loads";
        case StockFaissOutcome::Kind::fails:
            return "fails";
    }
    return "not_applicable";
}

StockFaissOutcome simulate_stock_faiss(const IndexProfile& index, Precision precision,
                                       const std::vector<DeviceInfo>& devices) {
    std::vector<DeviceInfo> cards;
    std::copy_if(devices.begin(), devices.end(), std::back_inserter(cards),
                 [](const DeviceInfo& device) { return device.kind == DeviceKind::cuda; });
    StockFaissOutcome outcome;
    if (cards.empty()) {
        outcome.message = "no card in the rig: Faiss would search on the host";
        return outcome;
    }
    if (precision == Precision::bf16) {
        outcome.message = "Faiss has no flat index in bfloat16";
        return outcome;
    }

    const bool alone = cards.size() == 1;
    outcome.outcome = StockFaissOutcome::Kind::loads;
    outcome.path = alone ? "copyFrom" : "paged add, equal shards";
    outcome.host_bytes = index.payload_bytes;
    outcome.peak_bytes.resize(cards.size());
    outcome.held_bytes.resize(cards.size());
    const auto count = static_cast<Bytes>(index.count);
    for (std::size_t i = 0; i < cards.size(); ++i) {
        const Bytes rows = shard_begin(count, cards.size(), i + 1) - shard_begin(count, cards.size(), i);
        CardReplay card(card_limit(cards[i]), cards[i].total_bytes);
        fill(card, {.rows = rows, .dim = static_cast<Bytes>(index.dim), .precision = precision}, alone);
        outcome.peak_bytes[i] = card.peak();
        outcome.held_bytes[i] = card.held();
        if (card.failure()) {
            outcome.outcome = StockFaissOutcome::Kind::fails;
            outcome.message = card.failure()->message(i);
            outcome.failed_request_bytes = card.failure()->bytes;
            return outcome;
        }
    }
    outcome.message = describe_success(outcome);
    return outcome;
}

}  // namespace gpushard
