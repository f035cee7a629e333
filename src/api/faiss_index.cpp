#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <typeinfo>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/impl/FaissAssert.h>

#include <gpushard/byte_source.hpp>
#include <gpushard/error.hpp>
#include <gpushard/faiss/faiss_index.hpp>
#include <gpushard/index_inspector.hpp>

#include "api/load_here.hpp"

namespace gpushard {
namespace {

class ShardedFaissIndex : public faiss::Index {
public:
    explicit ShardedFaissIndex(const ShardedIndex& index)
        : faiss::Index(index.dim(), static_cast<faiss::MetricType>(static_cast<int>(index.metric()))),
          index_(index.impl()) {
        ntotal = index.count();
        metric_arg = index.plan().index.metric_arg;
        is_trained = true;
    }

    void search(std::int64_t n, const float* x, std::int64_t k, float* distances, std::int64_t* labels,
                const faiss::SearchParameters* params) const override {
        FAISS_THROW_IF_NOT_MSG(params == nullptr, "gpushard: search parameters (an IDSelector, ...) are not supported");
        index_.search(n, x, k, distances, labels);
    }

    void train(std::int64_t, const float*) override { refuse_change("train"); }
    void add(std::int64_t, const float*) override { refuse_change("add"); }
    void add_with_ids(std::int64_t, const float*, const std::int64_t*) override { refuse_change("add_with_ids"); }
    void reset() override { refuse_change("reset"); }

private:
    static void refuse_change(const char* call) {
        FAISS_THROW_FMT("gpushard: %s: the index is read-only; build it with Faiss and load it again", call);
    }

    const ShardedIndex index_;
};

const faiss::IndexFlat& as_flat(const faiss::Index& source) {
    if (typeid(source) != typeid(faiss::IndexFlat) && typeid(source) != typeid(faiss::IndexFlatL2) &&
        typeid(source) != typeid(faiss::IndexFlatIP)) {
        throw InvalidArgument(std::string("an index of type ") + typeid(source).name() +
                              " cannot be loaded from memory, expected faiss::IndexFlat, IndexFlatL2 or IndexFlatIP");
    }
    return static_cast<const faiss::IndexFlat&>(source);
}

/// A flat index in memory as the file Faiss would write of it: a header made here, and the vectors where they are.
class FlatIndexSource : public ByteSource {
public:
    explicit FlatIndexSource(const faiss::IndexFlat& index)
        : payload_(reinterpret_cast<const std::byte*>(index.get_xb())),
          payload_bytes_(
              checked_multiply(static_cast<Bytes>(index.ntotal), static_cast<Bytes>(index.d) * sizeof(float))) {
        const auto metric = static_cast<std::int32_t>(index.metric_type);
        put(metric == 0 ? "IxFI" : metric == 1 ? "IxF2" : "IxFl", 4);
        put_value(static_cast<std::int32_t>(index.d));
        put_value(static_cast<std::int64_t>(index.ntotal));
        put_value(std::int64_t{1} << 20);
        put_value(std::int64_t{1} << 20);
        put_value(static_cast<std::uint8_t>(1));
        put_value(metric);
        if (metric > 1) put_value(index.metric_arg);
        put_value(static_cast<std::uint64_t>(payload_bytes_ / sizeof(float)));
    }

    std::string name() const override { return "memory"; }
    Bytes size() const override { return header_.size() + payload_bytes_; }

    /// The index may be gone from here on.
    void detach() { payload_ = nullptr; }

    void check_unchanged() const override {
        if (payload_ == nullptr) {
            throw FileChanged("memory: the index this was loaded from is no longer there to compare with");
        }
    }

private:
    void read_bytes(Bytes offset, void* destination, std::size_t count) const override {
        check_unchanged();
        auto* to = static_cast<std::byte*>(destination);
        if (offset < header_.size()) {
            const auto from_header = std::min<std::size_t>(count, header_.size() - offset);
            std::memcpy(to, header_.data() + offset, from_header);
            to += from_header;
            offset += from_header;
            count -= from_header;
        }
        if (count > 0) std::memcpy(to, payload_ + (offset - header_.size()), count);
    }

    void put(const void* bytes, std::size_t count) {
        const auto* from = static_cast<const std::byte*>(bytes);
        header_.insert(header_.end(), from, from + count);
    }

    template <typename Value>
    void put_value(Value value) {
        put(&value, sizeof value);
    }

    std::vector<std::byte> header_;
    const std::byte* payload_;
    const Bytes payload_bytes_;
};

}  // namespace

std::unique_ptr<faiss::Index> as_faiss_index(const ShardedIndex& index) {
    return std::make_unique<ShardedFaissIndex>(index);
}

IndexProfile inspect_index(const faiss::Index& source) { return inspect_index(FlatIndexSource(as_flat(source))); }

ShardedIndex load(const faiss::Index& index, const LoadOptions& options) {
    const auto source = std::make_shared<FlatIndexSource>(as_flat(index));
    LoadOptions replanning = options;
    replanning.may_replan = true;
    const PlacementPlan plan = plan_here(inspect_index(*source), options);
    ShardedIndex loaded = load_here(plan, source, replanning);
    source->detach();
    return loaded;
}

}  // namespace gpushard
