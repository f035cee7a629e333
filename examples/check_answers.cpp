// Compares answers in files, as `gpushard search --out --distances` writes them, with an exact search by Faiss over
// the whole index in one piece. gpushard has no part in it.
//
// Answers are the same when, at every rank, the reported distance is that of the row it names, and the row is Faiss's
// or one whose distance cannot be told from it. What cannot be told apart is set by rounding: a bound times |q| |x| for
// inner product, times |q|^2 + |x|^2 for L2.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/index_io.h>

#include "npy.hpp"

namespace {

struct Distance {
    double value = 0;
    double scale = 0;  ///< of its rounding error
};

Distance exact_distance(const float* query, const float* row, std::int64_t dim, faiss::MetricType metric) {
    double dot = 0;
    double query_norm = 0;
    double row_norm = 0;
    double squared_difference = 0;
    for (std::int64_t i = 0; i < dim; ++i) {
        const double q = query[i];
        const double x = row[i];
        dot += q * x;
        query_norm += q * q;
        row_norm += x * x;
        squared_difference += (q - x) * (q - x);
    }
    if (metric == faiss::METRIC_INNER_PRODUCT) return {dot, std::sqrt(query_norm) * std::sqrt(row_norm)};
    return {squared_difference, query_norm + row_norm};
}

struct Comparison {
    std::int64_t answers = 0;
    std::int64_t same_row = 0;
    std::int64_t wrong = 0;
    double worst_error = 0;  ///< of a reported distance, relative to its scale
};

class Checker {
public:
    Checker(const faiss::IndexFlat& index, double bound) : index_(index), bound_(bound) {}

    /// Compares the k answers to one query with Faiss's.
    void compare(const float* query, std::int64_t k, const std::int64_t* ids, const float* distances,
                 const std::int64_t* faiss_ids) {
        std::set<std::int64_t> seen;
        for (std::int64_t rank = 0; rank < k; ++rank) {
            ++comparison_.answers;
            if (ids[rank] == faiss_ids[rank]) ++comparison_.same_row;
            const bool padding = ids[rank] == -1 && faiss_ids[rank] == -1;
            if (!padding &&
                !(seen.insert(ids[rank]).second && agrees(query, ids[rank], distances[rank], faiss_ids[rank])))
                ++comparison_.wrong;
        }
    }

    const Comparison& comparison() const { return comparison_; }

private:
    bool agrees(const float* query, std::int64_t id, float reported, std::int64_t faiss_id) {
        if (id < 0 || id >= index_.ntotal || faiss_id < 0) return false;
        const Distance ours = distance_to(query, id);
        const Distance theirs = distance_to(query, faiss_id);
        const double error = std::abs(reported - ours.value);
        if (ours.scale > 0) comparison_.worst_error = std::max(comparison_.worst_error, error / ours.scale);
        return error <= bound_ * ours.scale &&
               std::abs(ours.value - theirs.value) <= bound_ * std::max(ours.scale, theirs.scale);
    }

    Distance distance_to(const float* query, std::int64_t id) const {
        return exact_distance(query, index_.get_xb() + id * index_.d, index_.d, index_.metric_type);
    }

    const faiss::IndexFlat& index_;
    double bound_;
    Comparison comparison_;
};

int check(const std::string& index_path, const std::string& queries_path, const std::string& ids_path,
          const std::string& distances_path, double bound) {
    const std::unique_ptr<faiss::Index> read(faiss::read_index(index_path.c_str()));
    const auto* index = dynamic_cast<const faiss::IndexFlat*>(read.get());
    if (index == nullptr ||
        (index->metric_type != faiss::METRIC_INNER_PRODUCT && index->metric_type != faiss::METRIC_L2))
        throw std::runtime_error(index_path + ": is not a flat index with inner product or L2");
    const auto queries = read_npy<float>(queries_path, "<f4");
    const auto ids = read_npy<std::int64_t>(ids_path, "<i8");
    const auto distances = read_npy<float>(distances_path, "<f4");
    if (queries.columns != index->d || queries.rows == 0 || ids.rows != queries.rows || distances.rows != ids.rows ||
        distances.columns != ids.columns) {
        throw std::runtime_error("queries, ids and distances are not those of one search of this index");
    }

    std::vector<float> faiss_distances(ids.values.size());
    std::vector<std::int64_t> faiss_ids(ids.values.size());
    index->search(queries.rows, queries.values.data(), ids.columns, faiss_distances.data(), faiss_ids.data());

    Checker checker(*index, bound);
    for (std::int64_t i = 0; i < queries.rows; ++i) {
        checker.compare(queries.row(i), ids.columns, ids.row(i), distances.row(i), faiss_ids.data() + i * ids.columns);
    }
    const Comparison& result = checker.comparison();
    std::printf("%lld queries, %lld answers each, against an exact search of all %lld vectors by Faiss:\n",
                static_cast<long long>(queries.rows), static_cast<long long>(ids.columns),
                static_cast<long long>(index->ntotal));
    std::printf(
        "  %lld of %lld answers name the very same row, %lld another row at the same distance, %lld are wrong\n",
        static_cast<long long>(result.same_row), static_cast<long long>(result.answers),
        static_cast<long long>(result.answers - result.same_row - result.wrong), static_cast<long long>(result.wrong));
    std::printf("  largest error of a distance: %.1e (bound %.1e)\n", result.worst_error, bound);
    return result.wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5 && argc != 6) {
        std::fprintf(stderr, "usage: check_answers INDEX QUERIES.npy IDS.npy DISTANCES.npy [BOUND]\n");
        return 2;
    }
    try {
        constexpr double float32_bound = 1e-5;
        return check(argv[1], argv[2], argv[3], argv[4], argc == 6 ? std::stod(argv[5]) : float32_bound);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "check_answers: %s\n", error.what());
        return 1;
    }
}
