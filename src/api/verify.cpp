#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <gpushard/byte_source.hpp>
#include <gpushard/error.hpp>
#include <gpushard/load.hpp>
#include <gpushard/sharded_index.hpp>

#include "cpu/faiss_compat.hpp"
#include "search/sharded_index_impl.hpp"

namespace gpushard {
namespace {

using Row = std::vector<float>;

double dot(const Row& a, const Row& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
    return sum;
}

double exact_distance(const IndexProfile& index, const Row& query, const Row& row) {
    switch (index.metric) {
        case Metric::inner_product:
            return dot(query, row);
        case Metric::l2: {
            double sum = 0;
            for (std::size_t i = 0; i < row.size(); ++i) {
                const double difference = static_cast<double>(query[i]) - row[i];
                sum += difference * difference;
            }
            return sum;
        }
        default: {
            float distance = 0;
            faiss::pairwise_extra_distances(index.dim, 1, query.data(), 1, row.data(),
                                            faiss_compat::metric_type(index.metric), index.metric_arg, &distance);
            return distance;
        }
    }
}

// What an error is measured against: the magnitude of the terms that a distance is summed from.
double distance_scale(const IndexProfile& index, const Row& query, const Row& row, double distance) {
    switch (index.metric) {
        case Metric::inner_product:
            return std::sqrt(dot(query, query) * dot(row, row));
        case Metric::l2:
            return dot(query, query) + dot(row, row);
        default:
            return std::abs(distance);
    }
}

// Rounding an element moves it by at most 2^-11 of itself in float16 and 2^-8 / 2 in bfloat16. In float16 the errors of
// many elements cancel out far below that; in bfloat16 the bound is that of a query and a row rounded the same way.
double error_bound(Precision precision) {
    switch (precision) {
        case Precision::f32:
            return 1e-5;
        case Precision::f16:
            return 2e-4;
        case Precision::bf16:
            return 4e-3;
    }
    return 1e-5;
}

Row read_row(const ByteSource& source, const IndexProfile& index, std::int64_t row) {
    Row values(static_cast<std::size_t>(index.dim));
    source.read(index.payload_offset + static_cast<Bytes>(row) * index.row_bytes(), values.data(), index.row_bytes());
    return values;
}

bool is_finite(const Row& row) {
    return std::all_of(row.begin(), row.end(), [](float value) { return std::isfinite(value); });
}

/// Compares the answers to one row of the file with arithmetic on the file's own vectors.
class RowCheck {
public:
    RowCheck(const ShardedIndex& index, const ByteSource& source, VerifyReport& report)
        : index_(index), profile_(index.plan().index), source_(source), report_(report) {}

    void check(std::int64_t row) {
        const Row query = read_row(source_, profile_, row);
        if (!is_finite(query)) return;  // cannot be searched for; counted by the load
        ++report_.rows;
        constexpr std::int64_t neighbors = 10;
        const std::vector<Neighbor> answers = index_.search(query, std::min(neighbors, profile_.count));
        const double own = exact_distance(profile_, query, query);
        const double own_tolerance = report_.error_bound * distance_scale(profile_, query, query, own);
        bool found_itself = false;
        double last = own;
        for (const Neighbor& answer : answers) {
            compare(row, query, answer);
            found_itself |= answer.id == row;
            last = answer.distance;
        }
        // Left out of the answers it may only be by rows at least as near as itself.
        const double behind = is_similarity(profile_.metric) ? own - last : last - own;
        if (answers.empty() || (!found_itself && behind > own_tolerance)) {
            fail(row, "is missing from its own " + std::to_string(answers.size()) + " nearest");
        }
    }

private:
    void compare(std::int64_t row, const Row& query, const Neighbor& answer) {
        if (answer.id < 0 || answer.id >= profile_.count) {
            return fail(row, "has an answer with id " + std::to_string(answer.id));
        }
        const Row found = read_row(source_, profile_, answer.id);
        const double exact = exact_distance(profile_, query, found);
        const double scale = std::max(distance_scale(profile_, query, found, exact), 1e-30);
        const double error = std::abs(answer.distance - exact) / scale;
        report_.worst_error = std::max(report_.worst_error, error);
        if (!(error <= report_.error_bound)) {
            fail(row, "to row " + std::to_string(answer.id) + " is reported as " + std::to_string(answer.distance) +
                          ", the file gives " + std::to_string(exact));
        }
    }

    void fail(std::int64_t row, const std::string& how) {
        report_.failures.push_back("row " + std::to_string(row) + " " + how);
    }

    const ShardedIndex& index_;
    const IndexProfile& profile_;
    const ByteSource& source_;
    VerifyReport& report_;
};

}  // namespace

VerifyReport verify(const ShardedIndex& given, std::int64_t rows, std::uint64_t seed) {
    const ShardedIndex index(given.impl());  // shared: what is verified stays, whatever becomes of the other
    if (rows < 0) throw InvalidArgument("rows to verify is " + std::to_string(rows) + ", expected 0 or more");
    const ByteSource& source = index.impl()->source();
    source.check_unchanged();
    VerifyReport report;
    report.error_bound = error_bound(index.plan().precision);
    if (index.count() == 0) return report;
    RowCheck row_check(index, source, report);
    std::mt19937_64 random(seed);
    for (std::int64_t i = 0; i < rows; ++i) {
        row_check.check(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(index.count())));
    }
    source.check_unchanged();
    return report;
}

}  // namespace gpushard
