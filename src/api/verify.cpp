#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <unordered_set>
#include <vector>

#include <gpushard/byte_source.hpp>
#include <gpushard/error.hpp>
#include <gpushard/load.hpp>
#include <gpushard/sharded_index.hpp>

#include "api/exact_distance.hpp"
#include "search/sharded_index_impl.hpp"
#include "shard/centred_queries.hpp"
#include "shard/row_kernels.hpp"

namespace gpushard {
namespace {

using Row = std::vector<float>;

constexpr double float_bound = 1e-5;

// Rounding an element moves it by at most 2^-11 of itself in float16 and 2^-8 in bfloat16. The errors of many elements
// cancel out to far below that in float16; in bfloat16 the bound is that of rounding one side.
double error_bound(Precision precision) {
    switch (precision) {
        case Precision::f32:
            return float_bound;
        case Precision::f16:
            return 2e-4;
        case Precision::bf16:
            return 4e-3;
    }
    return float_bound;
}

// What an L2 distance may be off beside the distances to the rows around. Of the ten nearest of many rows, neighbours
// lie some hundredths of the tenth distance apart in 64 dimensions and some thousandths in 1,000: an error of a
// hundredth trades places among them and leaves the others where they are, one of a tenth brings in rows that are not
// near.
constexpr double neighbor_bound = 1e-2;
// The same for what rounding the vectors does, which who chose float16 has chosen: where it is as much as half of that
// distance, or makes it nothing, hardly a neighbour is left.
constexpr double rounding_bound = 0.5;
// Rows nearer than this part of the distance between any two rows (a thirtieth of their length, squared) are as good as
// equal: texts that were embedded twice, in other batches. What is off within them leads to no other answer.
constexpr double as_good_as_equal = 1e-3;

constexpr std::int64_t most_neighbors = 10;

std::string number(double value) {
    std::string text(32, '\0');
    text.resize(static_cast<std::size_t>(std::snprintf(text.data(), text.size(), "%.6g", value)));
    return text;
}

Row read_row(const ByteSource& source, const IndexProfile& index, std::int64_t row) {
    Row values(static_cast<std::size_t>(index.dim));
    source.read(index.payload_offset + static_cast<Bytes>(row) * index.row_bytes(), values.data(), index.row_bytes());
    return values;
}

bool is_finite(const Row& row) {
    return std::all_of(row.begin(), row.end(), [](float value) { return std::isfinite(value); });
}

/// The file's distance of a row to the query, and how far from it a right answer may be: by a part of the scale, or by
/// what holding the vectors in fewer bits does to it and a little of float32 arithmetic beside.
struct Expected {
    double distance = 0;
    double by_scale = 0;
    double rounding = 0;
    double beside_rounding = 0;

    double allowed() const { return std::max(by_scale, rounding + beside_rounding); }

    /// Above 1 for an error that is too large.
    double part_of_allowed(double error) const {
        return error <= by_scale ? error / by_scale : (error - rounding) / beside_rounding;
    }
};

/// |reported - expected|. A distance beyond the range of float32 is reported as an infinity.
double error_of(float reported, double expected) {
    if (static_cast<float>(expected) == reported) return 0;
    return std::abs(reported - expected);
}

/// How the shards of an index hold its rows.
class HeldRows {
public:
    explicit HeldRows(const ShardedIndex& index)
        : index_(index.plan().index), precision_(index.plan().precision), centre_(centre_of_all(index)) {}

    const IndexProfile& index() const { return index_; }
    Precision precision() const { return precision_; }
    bool is_centred() const { return centre_ != nullptr; }

    Row rounded(const Row& row) const {
        Row held(row.size());
        round_values(precision_, row.data(), index_.dim, held.data());
        return held;
    }

    Row held(const Row& row) const { return rounded(less_centre(row)); }

    /// A query as a shard compares it with what it holds, before it may be rounded.
    Row asked(const Row& query) const { return shifts_queries(index_.metric) ? less_centre(query) : query; }

    /// What the inner products of a query with what is held lack, which is added unrounded.
    double lacking(const Row& query) const {
        if (centre_ == nullptr || shifts_queries(index_.metric)) return 0;
        return centre_product(query.data(), centre_->data(), index_.dim);
    }

private:
    /// Null where some device holds rows as they are, which only float32 allows: there, to be centred or not makes no
    /// difference that matters here.
    static const Row* centre_of_all(const ShardedIndex& index) {
        const LoadReport& report = index.load_report();
        for (std::size_t i = 0; i < report.devices.size(); ++i) {
            if (index.plan().devices[i].rows.count() > 0 && !report.devices[i].centred) return nullptr;
        }
        return report.centre.empty() ? nullptr : &report.centre;
    }

    Row less_centre(const Row& row) const {
        if (centre_ == nullptr) return row;
        Row shifted(row.size());
        subtract_centre(row.data(), 1, index_.dim, centre_->data(), shifted.data());
        return shifted;
    }

    const IndexProfile& index_;
    const Precision precision_;
    const Row* const centre_;
};

/// A row of the file as a query, in every form a shard may compare with.
class Query {
public:
    Query(const HeldRows& rows, Row values)
        : rows_(rows), values_(std::move(values)), asked_(rows.asked(values_)), rounded_(rows.rounded(asked_)) {}

    const Row& values() const { return values_; }

    double distance_to(const Row& row) const { return exact_distance(rows_.index(), values_.data(), row.data()).value; }

    // Where elements are rounded, the distance moves by as much as the distance of the rounded vectors says, in every
    // metric and however few the dimensions are. Cards round the query too, the host does not. For inner product and L2
    // the bound is a part of the scale as well, which covers other ways of rounding as long as errors cancel out:
    // they add up to about 2^-11 |q| |x| / sqrt(dim), some times that at worst; in 1 dimension nothing cancels out.
    // Rows less a centre are rounded by parts of what is left of them, so the scale is that, too; what the centre adds
    // to an inner product is off by float32 only. And q - m and x - m are off by 2^-24 of themselves each.
    Expected to(const Row& row) const {
        const ExactDistance exact = exact_distance(rows_.index(), values_.data(), row.data());
        Expected expected{.distance = exact.value, .by_scale = 0, .rounding = 0, .beside_rounding = 0};
        double scale = exact.scale;
        double held_scale = 0;
        double float_error = exact.float_error;
        if (rows_.precision() != Precision::f32 || rows_.is_centred()) {
            const Row held = rows_.held(row);
            const double lacking = rows_.lacking(values_);
            for (const Row* query : {&asked_, &rounded_}) {
                const ExactDistance of_held = exact_distance(rows_.index(), query->data(), held.data());
                const double value = of_held.value + lacking;
                expected.rounding = std::max(expected.rounding, std::abs(value - exact.value));
                held_scale = std::max(held_scale, of_held.scale);
                float_error = std::max(float_error, of_held.float_error);
            }
        }
        // Distances of shifted rows do not know where they were; an inner product has the whole of it in its sum.
        const bool is_shifted = rows_.is_centred() && shifts_queries(rows_.index().metric);
        scale = is_shifted ? held_scale : std::max(scale, held_scale);
        expected.beside_rounding = float_error + float_bound * scale;
        expected.by_scale = rows_.is_centred()
                                ? exact.float_error + error_bound(rows_.precision()) * held_scale + float_bound * scale
                                : exact.float_error + error_bound(rows_.precision()) * exact.scale;
        return expected;
    }

private:
    const HeldRows& rows_;
    const Row values_;
    const Row asked_;
    const Row rounded_;
};

/// Compares the answers to one row of the file with arithmetic on the file's own vectors.
class RowCheck {
public:
    RowCheck(const ShardedIndex& index, const ByteSource& source, VerifyReport& report, std::uint64_t seed)
        : index_(index), profile_(index.plan().index), held_(index), source_(source), report_(report) {
        std::mt19937_64 random(~seed);
        for (int i = 0; i < 3; ++i) {
            others_.push_back(read_row(
                source, profile_, static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(index.count()))));
        }
    }

    void check(std::int64_t row) {
        Row values = read_row(source_, profile_, row);
        if (!is_finite(values)) return;  // cannot be searched for; counted by the load
        ++report_.rows;
        row_ = row;
        const Query query(held_, std::move(values));
        const std::int64_t k = std::min(most_neighbors, profile_.count);
        const std::vector<Neighbor> answers = index_.search(query.values(), k);
        if (!are_rows_in_order(answers)) return;
        std::vector<Expected> expected;
        for (const Neighbor& answer : answers) expected.push_back(query.to(read_row(source_, profile_, answer.id)));
        for (std::size_t i = 0; i < answers.size(); ++i) compare(answers[i], expected[i]);
        const double reach = profile_.metric == Metric::l2 ? reach_of(query, expected) : 0;
        if (reach > 0) compare_with_neighbors(answers, expected, reach);
        find_itself(query, answers, reach);
        // Rows that no search finds are failures of their own.
        if (static_cast<std::int64_t>(answers.size()) < k && report_.unreachable_rows == 0) {
            fail("has " + std::to_string(answers.size()) + " answers, expected " + std::to_string(k));
        }
    }

private:
    bool are_rows_in_order(const std::vector<Neighbor>& answers) {
        std::unordered_set<std::int64_t> seen;
        for (std::size_t i = 0; i < answers.size(); ++i) {
            const Neighbor& answer = answers[i];
            const std::string id = std::to_string(answer.id);
            if (answer.id < 0 || answer.id >= profile_.count) return fail("has an answer with id " + id);
            if (!seen.insert(answer.id).second) return fail("has row " + id + " twice among its answers");
            if (i > 0 && is_better(answer.distance, answers[i - 1].distance)) {
                return fail("has row " + id + " behind a row that is farther");
            }
        }
        return true;
    }

    bool is_better(double a, double b) const { return is_similarity(profile_.metric) ? a > b : a < b; }

    void compare(const Neighbor& answer, const Expected& expected) {
        const double part = expected.part_of_allowed(error_of(answer.distance, expected.distance));
        report_.worst_error = std::max(report_.worst_error, part * report_.error_bound);
        if (!(part <= 1)) {
            fail("to row " + std::to_string(answer.id) + " is reported as " + number(answer.distance) +
                 ", the file gives " + number(expected.distance));
        }
    }

    /// The distance that decides whether rows around the query are told apart.
    double reach_of(const Query& query, const std::vector<Expected>& answers) const {
        double reach = 0;
        for (const Expected& answer : answers) reach = std::fmax(reach, answer.distance);
        for (const Row& other : others_) reach = std::fmax(reach, as_good_as_equal * query.distance_to(other));
        return std::isfinite(reach) ? reach : 0;
    }

    void compare_with_neighbors(const std::vector<Neighbor>& answers, const std::vector<Expected>& expected,
                                double reach) {
        double error = 0;
        double rounding = 0;
        for (std::size_t i = 0; i < answers.size(); ++i) {
            error = std::max(error, error_of(answers[i].distance, expected[i].distance) - expected[i].rounding);
            rounding = std::max(rounding, expected[i].rounding);
        }
        report_.worst_neighbor_error = std::max(report_.worst_neighbor_error, error / reach);
        report_.worst_neighbor_rounding = std::max(report_.worst_neighbor_rounding, rounding / reach);
        const std::string too_much =
            " where its nearest rows are within " + number(reach) + ": too much to tell them apart";
        if (error > neighbor_bound * reach) fail("has distances that are off by " + number(error) + too_much);
        if (rounding > rounding_bound * reach) {
            fail("has distances that " + std::string(to_string(index_.plan().precision)) + " moves by " +
                 number(rounding) + too_much);
        }
    }

    void find_itself(const Query& query, const std::vector<Neighbor>& answers, double reach) {
        const auto is_itself = [this](const Neighbor& answer) { return answer.id == row_; };
        if (std::any_of(answers.begin(), answers.end(), is_itself)) return;
        const Expected own = query.to(query.values());
        const double allowed =
            reach > 0 ? std::min(own.allowed(), neighbor_bound * reach + own.rounding) : own.allowed();
        // Left out of the answers it may only be by rows at least as near as itself.
        const double last = answers.empty() ? 0 : answers.back().distance;
        const double behind = is_similarity(profile_.metric) ? own.distance - last : last - own.distance;
        if (answers.empty() || !(behind <= allowed)) {
            fail("is missing from its own " + std::to_string(answers.size()) + " nearest");
        }
    }

    bool fail(const std::string& how) {
        report_.failures.push_back("row " + std::to_string(row_) + " " + how);
        return false;
    }

    const ShardedIndex& index_;
    const IndexProfile& profile_;
    const HeldRows held_;
    const ByteSource& source_;
    VerifyReport& report_;
    std::vector<Row> others_;  ///< of the file, at random
    std::int64_t row_ = 0;
};

/// Whether a NaN is a value that is missing, and the rest of the row is searched.
bool takes_missing_values(Metric metric) { return metric == Metric::nan_euclidean || metric == Metric::gower; }

}  // namespace

VerifyReport verify(const ShardedIndex& given, std::int64_t rows, std::uint64_t seed) {
    const ShardedIndex index(given.impl());  // shared: what is verified stays, whatever becomes of the other
    if (rows < 0) throw InvalidArgument("rows to verify is " + std::to_string(rows) + ", expected 0 or more");
    const ByteSource& source = index.impl()->source();
    source.check_unchanged();
    VerifyReport report;
    report.error_bound = error_bound(index.plan().precision);
    report.neighbor_error_bound = index.metric() == Metric::l2 ? neighbor_bound : 0;
    if (index.count() == 0 || rows == 0) return report;

    const RowFindings& found = index.load_report();
    if (found.non_finite_rows > 0 && !takes_missing_values(index.metric())) {
        report.unreachable_rows += found.non_finite_rows;
        report.failures.push_back(std::to_string(found.non_finite_rows) +
                                  " rows hold a NaN or an infinity and cannot be found, the first is row " +
                                  std::to_string(found.first_non_finite_row));
    }
    RowCheck row_check(index, source, report, seed);
    if (found.overflowing_norm_rows > 0) {
        // Where distances are made of differences such a row does find itself, so it is asked.
        const std::size_t failures = report.failures.size();
        row_check.check(found.first_overflowing_norm_row);
        if (report.failures.size() > failures) {
            report.unreachable_rows += found.overflowing_norm_rows;
            report.failures.push_back(std::to_string(found.overflowing_norm_rows) +
                                      " rows are too long for L2 in float32 and cannot be found, the first is row " +
                                      std::to_string(found.first_overflowing_norm_row));
        }
    }
    std::mt19937_64 random(seed);
    for (std::int64_t i = 0; i < rows; ++i) {
        row_check.check(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(index.count())));
    }
    if (report.rows == 0) {
        report.failures.push_back("none of " + std::to_string(rows) + " rows could be searched for");
    }
    source.check_unchanged();
    return report;
}

}  // namespace gpushard
