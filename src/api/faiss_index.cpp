#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <string>
#include <typeinfo>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/impl/DistanceComputer.h>
#include <faiss/impl/FaissException.h>
#include <faiss/utils/distances.h>
#include <faiss/utils/extra_distances.h>

#include <gpushard/byte_source.hpp>
#include <gpushard/error.hpp>
#include <gpushard/faiss/faiss_index.hpp>
#include <gpushard/index_inspector.hpp>

#include "api/load_here.hpp"
#include "cpu/faiss_compat.hpp"
#include "search/sharded_index_impl.hpp"

namespace gpushard {
namespace {

/// Runs what Faiss asks for. Callers of Faiss catch FaissException: that is what any error becomes, with the error
/// itself nested in it.
template <typename Work>
auto for_faiss(const Work& work) {
    try {
        return work();
    } catch (const faiss::FaissException&) {
        throw;
    } catch (const std::exception& error) {
        std::throw_with_nested(faiss::FaissException(std::string("gpushard: ") + error.what()));
    } catch (...) {
        std::throw_with_nested(faiss::FaissException("gpushard: an exception of unknown type"));
    }
}

[[noreturn]] void refuse(const std::string& call, const char* why) {
    throw faiss::FaissException("gpushard: " + call + ": " + why);
}

/// The rows of an index as they stand in what it was loaded from.
class StoredRows {
public:
    explicit StoredRows(const ShardedIndexImpl& index) : profile_(index.plan().index), source_(index.source()) {}

    std::int64_t dim() const { return profile_.dim; }

    void read(std::int64_t first, std::int64_t count, float* rows) const {
        if (count < 0 || first < 0 || first > profile_.count - count) {
            throw InvalidArgument("rows " + std::to_string(first) + " and " + std::to_string(count) +
                                  " in all are asked for, the index has " + std::to_string(profile_.count));
        }
        if (count > 0 && rows == nullptr) throw InvalidArgument("the array for the rows is a null pointer");
        source_.read(profile_.payload_offset + static_cast<Bytes>(first) * profile_.row_bytes(), rows,
                     static_cast<std::size_t>(count) * profile_.row_bytes());
    }

    /// After a read: whether that was still the index that was loaded.
    void check_unchanged() const { source_.check_unchanged(); }

private:
    const IndexProfile& profile_;
    const ByteSource& source_;
};

/// Distances to rows that are read one by one, for Faiss's refinement and graphs.
class StoredDistances : public faiss::DistanceComputer {
public:
    explicit StoredDistances(const faiss::Index& index)
        : index_(index),
          query_(nullptr),
          rows_(2 * static_cast<std::size_t>(index.d)),
          metric_(index.metric_type),
          metric_arg_(index.metric_arg) {}

    void set_query(const float* x) override { query_ = x; }

    float operator()(std::int64_t row) override { return distance(query_, read(row, 0)); }

    float symmetric_dis(std::int64_t row, std::int64_t other) override {
        return distance(read(row, 0), read(other, 1));
    }

private:
    const float* read(std::int64_t row, int place) {
        float* const to = rows_.data() + static_cast<std::ptrdiff_t>(place) * index_.d;
        index_.reconstruct(row, to);
        return to;
    }

    float distance(const float* one, const float* other) const {
        const auto dim = static_cast<std::size_t>(index_.d);
        if (metric_ == faiss::METRIC_L2) return faiss::fvec_L2sqr(one, other, dim);
        if (metric_ == faiss::METRIC_INNER_PRODUCT) return faiss::fvec_inner_product(one, other, dim);
        float found = 0;
        faiss::pairwise_extra_distances(index_.d, 1, one, 1, other, metric_, metric_arg_, &found);
        return found;
    }

    const faiss::Index& index_;
    const float* query_;
    std::vector<float> rows_;
    const faiss::MetricType metric_;
    const float metric_arg_;
};

/// Overrides what Faiss would do in a parallel region, where an exception ends the process.
class ShardedFaissIndex : public faiss::Index {
public:
    explicit ShardedFaissIndex(const std::shared_ptr<const ShardedIndexImpl>& impl)
        : faiss::Index(impl->plan().index.dim, faiss_compat::metric_type(impl->plan().index.metric)),
          index_(impl),
          rows_(*impl) {
        ntotal = impl->plan().index.count;
        metric_arg = impl->plan().index.metric_arg;
        is_trained = true;
    }

    void search(std::int64_t n, const float* x, std::int64_t k, float* distances, std::int64_t* labels,
                const faiss::SearchParameters* params) const override {
        if (params != nullptr) refuse("search", "search parameters (an IDSelector, ...) are not supported");
        for_faiss([&] { index_.search(n, x, k, distances, labels); });
    }

    void assign(std::int64_t n, const float* x, std::int64_t* labels, std::int64_t k) const override {
        for_faiss([&] {
            const SearchResult found = index_.search(n, x, k);
            if (labels == nullptr && n > 0) throw InvalidArgument("the labels are a null pointer");
            std::copy(found.ids.begin(), found.ids.end(), labels);
        });
    }

    void reconstruct(std::int64_t key, float* recons) const override { reconstruct_n(key, 1, recons); }

    void reconstruct_n(std::int64_t first, std::int64_t count, float* recons) const override {
        for_faiss([&] {
            rows_.read(first, count, recons);
            rows_.check_unchanged();
        });
    }

    void reconstruct_batch(std::int64_t n, const std::int64_t* keys, float* recons) const override {
        for_faiss([&] {
            if (n > 0 && keys == nullptr) throw InvalidArgument("the keys are a null pointer");
            for (std::int64_t i = 0; i < n; ++i) rows_.read(keys[i], 1, at(recons, i));
            rows_.check_unchanged();
        });
    }

    void search_and_reconstruct(std::int64_t n, const float* x, std::int64_t k, float* distances, std::int64_t* labels,
                                float* recons, const faiss::SearchParameters* params) const override {
        search(n, x, k, distances, labels, params);
        for_faiss([&] {
            for (std::int64_t i = 0; i < n * k; ++i) read_or_fill(labels[i], at(recons, i));
            rows_.check_unchanged();
        });
    }

    void compute_residual(const float* x, float* residual, std::int64_t key) const override {
        compute_residual_n(1, x, residual, &key);
    }

    void compute_residual_n(std::int64_t n, const float* x, float* residuals, const std::int64_t* keys) const override {
        reconstruct_batch(n, keys, residuals);
        if (n > 0 && x == nullptr) refuse("compute_residual", "the vectors are a null pointer");
        for (std::int64_t i = 0; i < n * d; ++i) residuals[i] = x[i] - residuals[i];
    }

    faiss::DistanceComputer* get_distance_computer() const override {
        return for_faiss([&] { return new StoredDistances(*this); });
    }

    void range_search(std::int64_t, const float*, float, faiss::RangeSearchResult*,
                      const faiss::SearchParameters*) const override {
        refuse("range_search", "the shards give the k nearest only");
    }

    std::size_t sa_code_size() const override { refuse("sa_code_size", no_codes); }
    void sa_encode(std::int64_t, const float*, std::uint8_t*) const override { refuse("sa_encode", no_codes); }
    void sa_decode(std::int64_t, const std::uint8_t*, float*) const override { refuse("sa_decode", no_codes); }

    void train(std::int64_t, const float*) override { refuse("train", read_only); }
#if FAISS_VERSION_MAJOR > 1 || FAISS_VERSION_MINOR >= 15
    void train_with_queries(std::int64_t, const float*, std::int64_t, const float*) override {
        refuse("train_with_queries", read_only);
    }
#endif
    void add(std::int64_t, const float*) override { refuse("add", read_only); }
    void add_with_ids(std::int64_t, const float*, const std::int64_t*) override { refuse("add_with_ids", read_only); }
    void reset() override { refuse("reset", read_only); }
    std::size_t remove_ids(const faiss::IDSelector&) override { refuse("remove_ids", read_only); }
    void merge_from(faiss::Index&, std::int64_t) override { refuse("merge_from", read_only); }
    void check_compatible_for_merge(const faiss::Index&) const override {
        refuse("check_compatible_for_merge", read_only);
    }

private:
    static constexpr const char* read_only = "the index is read-only; build it with Faiss and load it again";
    static constexpr const char* no_codes = "the index has no codes of its own; it keeps vectors";

    /// The place of row i of an array, which may be null.
    float* at(float* rows, std::int64_t i) const { return rows == nullptr ? nullptr : rows + i * d; }

    void read_or_fill(std::int64_t key, float* row) const {
        if (key >= 0) return rows_.read(key, 1, row);
        if (row == nullptr) throw InvalidArgument("the array for the rows is a null pointer");
        std::fill_n(row, d, std::numeric_limits<float>::quiet_NaN());  // as Faiss does
    }

    const ShardedIndex index_;
    const StoredRows rows_;
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
            throw FileChanged(
                "memory: the index in memory that this was loaded from is not kept, so its rows are gone");
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
    return std::make_unique<ShardedFaissIndex>(index.impl());
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
