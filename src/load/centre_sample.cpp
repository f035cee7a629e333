#include "load/centre_sample.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gpushard/error.hpp>

#include "load/row_distribution.hpp"
#include "load/staging_pool.hpp"
#include "load/staging_shares.hpp"

namespace gpushard {
namespace {

constexpr std::int64_t most_rows = 65'536;
constexpr std::int64_t fewest_rows = 1'024;
constexpr std::int64_t one_row_in = 64;
// A disk that turns seeks so often in half a minute; whatever is faster does not notice.
constexpr std::int64_t most_runs = 4'096;

// A distance made of norms is off by a few 2^-24 of the squared norms, so by |m|^2 / s^2 times as much of the squared
// distances s^2 of the rows from their mean. At 2^8 a float32 has 16 of its 24 bits left for what tells rows apart, and
// errors are some 2e-5 of s^2, which neighbours a hundred times nearer than that still survive. Of vectors of unit
// length that is a mean of length 0.998: all within 4 degrees of each other. Embeddings are not, and stay as they are.
constexpr double far_ratio = 256;

/// The means of the columns, and the sums of squares about them, as they come in (Welford): a column of equal values
/// has a mean that is exactly that value, and no sum of squares at all.
class ColumnMoments {
public:
    explicit ColumnMoments(std::int64_t dim)
        : means_(static_cast<std::size_t>(dim)), squares_(means_.size()), whole_(means_.size(), true) {}

    void add(const float* row) {
        const double part = 1.0 / static_cast<double>(++rows_);
        for (std::size_t i = 0; i < means_.size(); ++i) {
            const double before = row[i] - means_[i];
            means_[i] += before * part;
            squares_[i] += before * (row[i] - means_[i]);
            whole_[i] = whole_[i] && row[i] == std::nearbyint(row[i]);
        }
    }

    std::int64_t rows() const { return rows_; }
    // Bytes and small integers, such as those that SIFT is made of, float16 holds exactly, and still does less a number
    // that is whole.
    float centre(std::size_t i) const { return static_cast<float>(whole_[i] ? std::nearbyint(means_[i]) : means_[i]); }
    double variance(std::size_t i) const { return rows_ > 0 ? squares_[i] / static_cast<double>(rows_) : 0; }

private:
    std::int64_t rows_ = 0;
    std::vector<double> means_;
    std::vector<double> squares_;
    std::vector<bool> whole_;  ///< columns of which every value is a whole number
};

CentreSample sum_up(const ColumnMoments& columns, std::int64_t dim) {
    CentreSample sample;
    sample.rows = columns.rows();
    double norm = 0;
    double spread = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(dim); ++i) {
        sample.centre.push_back(columns.centre(i));
        norm += static_cast<double>(sample.centre.back()) * sample.centre.back();
        spread += columns.variance(i);
    }
    sample.is_far = norm > far_ratio * spread;
    return sample;
}

bool is_finite(const float* row, std::int64_t dim) {
    return std::all_of(row, row + dim, [](float value) { return std::isfinite(value); });
}

}  // namespace

std::vector<RowRange> centre_sample_runs(std::int64_t count) {
    const std::int64_t rows = std::min({count, most_rows, std::max(fewest_rows, count / one_row_in)});
    // All rows are one run.
    const std::int64_t runs = std::min(rows, rows == count ? 1 : most_runs);
    // Where the i-th of so many equal parts of `whole` begins.
    const auto part = [runs](std::int64_t whole, std::int64_t i) { return whole / runs * i + whole % runs * i / runs; };
    std::vector<RowRange> sample;
    for (std::int64_t i = 0; i < runs; ++i) {
        const std::int64_t length = part(rows, i + 1) - part(rows, i);
        const std::int64_t room = part(count, i + 1) - part(count, i) - length;
        const std::int64_t begin = part(count, i) + room / 2;
        sample.push_back({begin, begin + length});
    }
    return sample;
}

CentreSample read_centre_sample(const ByteSource& source, const IndexProfile& index, Bytes buffer_bytes,
                                const std::stop_token& stop) {
    const StagingBuffer buffer(buffer_bytes);
    const auto rows_at_a_time = static_cast<std::int64_t>(buffer_bytes / index.row_bytes());
    ColumnMoments columns(index.dim);
    for (const RowRange& run : centre_sample_runs(index.count)) {
        for (std::int64_t row = run.begin; row < run.end; row += rows_at_a_time) {
            if (stop.stop_requested()) throw Cancelled("the load was cancelled");
            const std::int64_t rows = std::min(rows_at_a_time, run.end - row);
            source.read(index.payload_offset + static_cast<Bytes>(row) * index.row_bytes(), buffer.data(),
                        static_cast<Bytes>(rows) * index.row_bytes());
            for (std::int64_t i = 0; i < rows; ++i) {
                const float* const values = buffer.data() + i * index.dim;
                if (is_finite(values, index.dim)) columns.add(values);
            }
        }
    }
    return sum_up(columns, index.dim);
}

std::shared_ptr<const std::vector<float>> LoadCentre::of(const PlacementPlan& plan,
                                                         const ShardPlacement& placement) const {
    const Centring centring = planned_centring(placement.device.kind, plan.precision, plan.index.metric);
    const bool is_centred = centring == Centring::always || (centring == Centring::if_far && is_far);
    return is_centred ? centre : nullptr;
}

LoadCentre find_centre(const PlacementPlan& plan, const ByteSource& source, const std::stop_token& stop) {
    std::size_t shards = 0;
    bool may_need_it = false;
    bool must_have_it = false;
    for (const ShardPlacement& placement : plan.devices) {
        if (placement.rows.count() == 0) continue;
        ++shards;
        const Centring centring = planned_centring(placement.device.kind, plan.precision, plan.index.metric);
        may_need_it = may_need_it || centring != Centring::none;
        must_have_it = must_have_it || centring == Centring::always;
    }
    if (!may_need_it) return {};
    const Bytes row_bytes = plan.index.row_bytes();
    const StagingLayout layout = staging_layout(share_out_staging(plan).blocks, row_bytes, shards);
    CentreSample sample = read_centre_sample(source, plan.index, layout.buffer_bytes, stop);
    LoadCentre found{.centre = nullptr, .sample_rows = sample.rows, .is_far = sample.is_far};
    if (must_have_it || sample.is_far) {
        found.centre = std::make_shared<const std::vector<float>>(std::move(sample.centre));
    }
    return found;
}

}  // namespace gpushard
