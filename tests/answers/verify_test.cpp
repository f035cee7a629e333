// What `verify` says of right answers, of every metric, precision, dimension and kind of data, and of wrong ones.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <gpushard/backend.hpp>
#include <gpushard/index_inspector.hpp>
#include <gpushard/load.hpp>
#include <gpushard/placement_planner.hpp>

#include "api/exact_distance.hpp"
#include "shard/centred_queries.hpp"
#include "shard/row_intake.hpp"
#include "shard/row_kernels.hpp"
#include "support/index_writer.hpp"
#include "support/shared_data.hpp"
#include "support/temp_dir.hpp"

namespace gpushard::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

/// How a shard that is not Faiss's answers.
struct Scan {
    bool rounds_queries = false;  ///< as cards do
    bool forgets_centre = false;  ///< of queries, where rows are held less one
    bool uses_norms = false;      ///< L2 from norms and products, in float32, as matrix products give it
    std::function<void(std::vector<Neighbor>& all)> fault = [](std::vector<Neighbor>&) {};
};

class ScanShard final : public Shard {
public:
    ScanShard(const ShardSpec& spec, Scan scan) : spec_(spec), scan_(std::move(scan)) {
        rows_.resize(static_cast<std::size_t>(spec_.rows.count() * spec_.index.dim));
    }

    void fill(RowFeed& feed) {
        const std::int64_t dim = spec_.index.dim;
        std::vector<std::byte> held;
        while (const std::optional<RowBlock> block = feed.next()) {
            held.resize(static_cast<std::size_t>(block->row_count) * intake_.held_row_bytes());
            intake_.take(block->first_row, block->row_count, block->rows, held.data(), nullptr);
            float* const rows = rows_.data() + (block->first_row - spec_.rows.begin) * dim;
            std::copy_n(block->rows, block->row_count * dim, rows);
            if (spec_.centre) subtract_centre(rows, block->row_count, dim, spec_.centre->data(), rows);
            round_values(spec_.precision, rows, block->row_count * dim, rows);
        }
    }

    void search(std::int64_t query_count, const float* queries, std::int64_t k, float* distances,
                std::int64_t* ids) override {
        const std::int64_t dim = spec_.index.dim;
        std::vector<float> query(static_cast<std::size_t>(dim));
        for (std::int64_t i = 0; i < query_count; ++i) {
            std::copy_n(queries + i * dim, dim, query.data());
            double lacking = 0;
            if (spec_.centre && !scan_.forgets_centre) {
                const float* const centre = spec_.centre->data();
                if (shifts_queries(spec_.index.metric)) {
                    subtract_centre(query.data(), 1, dim, centre, query.data());
                } else {
                    lacking = centre_product(query.data(), centre, dim);
                }
            }
            if (scan_.rounds_queries) round_values(spec_.precision, query.data(), dim, query.data());
            const std::vector<Neighbor> found = all_rows(query.data(), lacking);
            for (std::int64_t j = 0; j < k; ++j) {
                const bool is_there = j < static_cast<std::int64_t>(found.size());
                ids[i * k + j] = is_there ? found[static_cast<std::size_t>(j)].id : -1;
                distances[i * k + j] = is_there ? found[static_cast<std::size_t>(j)].distance : 0;
            }
        }
    }

    MemoryUse memory() const override { return {}; }
    LoadCount load_count() const override { return intake_.count(); }

private:
    std::vector<Neighbor> all_rows(const float* query, double lacking) const {
        std::vector<Neighbor> found;
        for (std::int64_t row = 0; row < spec_.rows.count(); ++row) {
            const auto distance =
                static_cast<float>(distance_of(query, rows_.data() + row * spec_.index.dim) + lacking);
            if (!std::isnan(distance)) found.push_back({spec_.rows.begin + row, distance});
        }
        const bool similarity = is_similarity(spec_.index.metric);
        std::sort(found.begin(), found.end(), [similarity](const Neighbor& a, const Neighbor& b) {
            if (a.distance != b.distance) return similarity ? a.distance > b.distance : a.distance < b.distance;
            return a.id < b.id;
        });
        scan_.fault(found);
        return found;
    }

    float distance_of(const float* query, const float* row) const {
        if (!scan_.uses_norms) return static_cast<float>(exact_distance(spec_.index, query, row).value);
        float norms = 0;
        float product = 0;
        for (std::int32_t i = 0; i < spec_.index.dim; ++i) {
            norms += query[i] * query[i] + row[i] * row[i];
            product += query[i] * row[i];
        }
        return norms - 2 * product;
    }

    const ShardSpec spec_;
    const Scan scan_;
    RowIntake intake_{spec_};
    std::vector<float> rows_;
};

class ScanDevice final : public Device {
public:
    ScanDevice(DeviceInfo info, Scan scan) : info_(std::move(info)), scan_(std::move(scan)) {}

    const DeviceInfo& info() const override { return info_; }
    Bytes free_bytes() const override { return info_.free_bytes; }
    std::unique_ptr<Shard> load_shard(const ShardSpec& spec, RowFeed& feed) override {
        auto shard = std::make_unique<ScanShard>(spec, scan_);
        shard->fill(feed);
        return shard;
    }

private:
    const DeviceInfo info_;
    const Scan scan_;
};

/// Rows in a file, loaded onto the host or onto a device that scans.
class VerifyTest : public testing::Test {
protected:
    void use(const Rows& rows, Metric metric) {
        write_file(file_, flat_index(rows, metric, metric == Metric::lp ? 3 : 0));
    }

    ShardedIndex on_host(Precision precision) const {
        LoadOptions options;
        options.devices = "cpu=32MiB";
        options.plan.precision = parse_precision(to_string(precision));
        return load(file_, options);
    }

    ShardedIndex scanned(Precision precision, const Scan& scan, DeviceKind kind = DeviceKind::cuda) const {
        const std::shared_ptr<ByteSource> source = open_file(file_);
        const IndexProfile profile = inspect_index(*source);
        const DeviceInfo card{.spec = "scan",
                              .name = "a device that scans",
                              .uuid = {},
                              .pci = {},
                              .kind = kind,
                              .total_bytes = 8_GiB,
                              .free_bytes = 8_GiB,
                              .context_bytes = 0,
                              .bytes_per_second = 1e9};
        PlanOptions options;
        options.precision = parse_precision(to_string(precision));
        PlacementPlan planned = plan_placement(profile, {card}, options);
        planned.fingerprint = fingerprint(*source, profile);
        return load(planned, source, {std::make_shared<ScanDevice>(card, scan)});
    }

    const TempDir folder_;
    const std::filesystem::path file_ = folder_ / "a.index";
};

/// Kinds of data, all positive where the metric needs it.
struct DataKind {
    std::string name;
    std::function<void(Rows&, std::mt19937&)> make;
};

float uniform(std::mt19937& random) { return static_cast<float>(random() >> 8) / 16777216.0F; }

const std::vector<DataKind>& data_kinds() {
    static const std::vector<DataKind> kinds = {
        {"uniform", [](Rows&, std::mt19937&) {}},
        {"every element of a row the same",  // rounding errors do not cancel out
         [](Rows& rows, std::mt19937&) {
             for (std::int64_t i = 0; i < rows.count; ++i) {
                 std::fill_n(rows.values.begin() + i * rows.dim, rows.dim,
                             rows.values[static_cast<std::size_t>(i * rows.dim)]);
             }
         }},
        {"every row the same",
         [](Rows& rows, std::mt19937&) {
             for (std::int64_t i = 1; i < rows.count; ++i) {
                 std::copy_n(rows.values.begin(), rows.dim, rows.values.begin() + i * rows.dim);
             }
         }},
        {"one large element",
         [](Rows& rows, std::mt19937& random) {
             for (float& value : rows.values) value *= 1e-2F;
             for (std::int64_t i = 0; i < rows.count; ++i) {
                 rows.values[static_cast<std::size_t>(i * rows.dim + static_cast<std::int64_t>(random()) % rows.dim)] *=
                     1000;
             }
         }},
        {"small",
         [](Rows& rows, std::mt19937&) {
             for (float& value : rows.values) value *= 1e-2F;
         }},
        {"large",
         [](Rows& rows, std::mt19937&) {
             for (float& value : rows.values) value *= 1e3F;
         }},
        {"clusters of near rows",
         [](Rows& rows, std::mt19937& random) {
             for (std::int64_t i = 0; i < rows.count * rows.dim; ++i) {
                 const auto at = static_cast<std::size_t>(i);
                 const std::int64_t center = i / rows.dim / 40 * 40 * rows.dim + i % rows.dim;
                 if (i != center) {
                     rows.values[at] = rows.values[static_cast<std::size_t>(center)] * (1 + 0.2F * uniform(random));
                 }
             }
         }},
        {"every row twenty times",
         [](Rows& rows, std::mt19937&) {
             for (std::int64_t i = 0; i < rows.count; ++i) {
                 std::copy_n(rows.values.begin() + i / 20 * 20 * rows.dim, rows.dim,
                             rows.values.begin() + i * rows.dim);
             }
         }},
        {"the same texts in other batches",  // rows that differ as the arithmetic of two batches in float16 does
         [](Rows& rows, std::mt19937& random) {
             for (std::int64_t i = 0; i < rows.count * rows.dim; ++i) {
                 const std::int64_t first = i / rows.dim / 20 * 20 * rows.dim + i % rows.dim;
                 const float nearly_one = 1 + 1e-3F * (uniform(random) - 0.5F);
                 if (i != first) {
                     rows.values[static_cast<std::size_t>(i)] =
                         rows.values[static_cast<std::size_t>(first)] * nearly_one;
                 }
             }
         }},
    };
    return kinds;
}

bool needs_positive(Metric metric) { return metric == Metric::bray_curtis || metric == Metric::jensen_shannon; }

Rows make_rows(const DataKind& kind, Metric metric, std::int32_t dim) {
    Rows rows = uniform_rows(240, dim, 3);
    if (needs_positive(metric)) {
        for (float& value : rows.values) value = std::abs(value) + 1e-3F;
    }
    std::mt19937 random(5);
    kind.make(rows, random);
    return rows;
}

class RightAnswers : public VerifyTest, public testing::WithParamInterface<Metric> {
protected:
    void expect_all_right(const ShardedIndex& index) {
        const VerifyReport report = verify(index, 6);
        EXPECT_EQ(report.rows, 6);
        EXPECT_EQ(report.unreachable_rows, 0);
        EXPECT_THAT(report.failures, IsEmpty());
        EXPECT_LE(report.worst_error, report.error_bound);
        EXPECT_LE(report.worst_neighbor_error, report.neighbor_error_bound);
        worst_error_ = std::max(worst_error_, report.worst_error / report.error_bound);
        if (report.neighbor_error_bound > 0) {
            worst_neighbor_error_ =
                std::max(worst_neighbor_error_, report.worst_neighbor_error / report.neighbor_error_bound);
        }
        ++cases_;
    }

    ~RightAnswers() override {
        RecordProperty("cases", cases_);
        RecordProperty("worst_error_of_bound", std::to_string(worst_error_));
        RecordProperty("worst_neighbor_error_of_bound", std::to_string(worst_neighbor_error_));
    }

    int cases_ = 0;
    double worst_error_ = 0;
    double worst_neighbor_error_ = 0;
};

TEST_P(RightAnswers, AreAllRight) {
    const Metric metric = GetParam();
    for (const std::int32_t dim : {1, 2, 17, 384}) {
        for (const DataKind& kind : data_kinds()) {
            use(make_rows(kind, metric, dim), metric);
            for (const Precision precision : {Precision::f32, Precision::f16, Precision::bf16}) {
                SCOPED_TRACE(to_string(metric) + " " + std::string(to_string(precision)) + " " + std::to_string(dim) +
                             " dimensions, " + kind.name);
                expect_all_right(on_host(precision));
                expect_all_right(scanned(precision, {}));
                expect_all_right(scanned(precision, {.rounds_queries = true}));
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Metrics, RightAnswers,
                         testing::Values(Metric::inner_product, Metric::l2, Metric::l1, Metric::linf, Metric::lp,
                                         Metric::canberra, Metric::bray_curtis, Metric::jensen_shannon),
                         [](const auto& metric) { return to_string(metric.param); });

struct Fault {
    std::string name;
    std::string reported;
    std::function<void(std::vector<Neighbor>&)> fault;
};

std::vector<Fault> faults() {
    return {{"ids are off by one", "",
             [](auto& all) {
                 for (Neighbor& row : all) row.id = (row.id + 1) % 240;
             }},
            {"a row in three is never found", "is missing from its own",
             [](auto& all) { std::erase_if(all, [](const Neighbor& row) { return row.id % 3 == 1; }); }},
            {"distances are a twentieth too large", "is reported as",
             [](auto& all) {
                 for (Neighbor& row : all) row.distance *= 1.05F;
             }},
            {"the nearest is given twice", "twice among its answers", [](auto& all) { all[1] = all[0]; }},
            {"the ten nearest are left out", "is missing from its own",
             [](auto& all) { all.erase(all.begin(), all.begin() + 10); }},
            {"the second comes first", "behind a row that is farther", [](auto& all) { std::swap(all[0], all[1]); }},
            {"an id beyond the index", "an answer with id 240", [](auto& all) { all[3].id = 240; }},
            {"half of the answers are missing", "has 5 answers, expected 10", [](auto& all) { all.resize(5); }},
            {"distances are not numbers", "", [](auto& all) {
                 for (Neighbor& row : all) row.distance = std::numeric_limits<float>::quiet_NaN();
             }}};
}

TEST_F(VerifyTest, FindsFaultsInEveryMetricAndPrecision) {
    for (const Metric metric : {Metric::inner_product, Metric::l2, Metric::l1, Metric::linf, Metric::lp,
                                Metric::canberra, Metric::bray_curtis, Metric::jensen_shannon}) {
        Rows rows = make_rows(data_kinds().front(), metric, 17);
        // Of unit length, so that the nearest by inner product is the row itself.
        for (std::int64_t i = 0; i < rows.count; ++i) {
            float* const row = rows.values.data() + i * rows.dim;
            const float length = std::sqrt(std::inner_product(row, row + rows.dim, row, 0.0F));
            for (std::int32_t j = 0; j < rows.dim; ++j) row[j] /= length;
        }
        use(rows, metric);
        for (const Precision precision : {Precision::f32, Precision::f16, Precision::bf16}) {
            for (const Fault& fault : faults()) {
                SCOPED_TRACE(to_string(metric) + " " + std::string(to_string(precision)) + ", " + fault.name);
                const VerifyReport report = verify(scanned(precision, {.fault = fault.fault}), 20);
                EXPECT_THAT(report.failures, Contains(HasSubstr(fault.reported)));
                EXPECT_EQ(report.rows, 20);
            }
        }
    }
}

/// 64 dimensions around an offset, as 3,000 rows of a normal distribution.
Rows rows_around(float offset) {
    Rows rows{.count = 3000, .dim = 64, .values = std::vector<float>(3000 * 64)};
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    for (float& value : rows.values) value = offset + normal(random);
    return rows;
}

// Around 1,000 norms leave three of ten neighbours in place; each is within 1e-5 of |q|^2 + |x|^2 all the same.
TEST_F(VerifyTest, FindsNeighboursThatAnOffsetHides) {
    for (const float offset : {0.0F, 1.0F, 10.0F, 1e3F, 1e4F, 1e5F}) {
        SCOPED_TRACE("around " + std::to_string(offset));
        use(rows_around(offset), Metric::l2);
        // The host holds float32 rows as they are.
        EXPECT_THAT(verify(scanned(Precision::f32, {}, DeviceKind::cpu), 10).failures, IsEmpty()) << "right distances";
        const VerifyReport report = verify(scanned(Precision::f32, {.uses_norms = true}, DeviceKind::cpu), 10);
        if (offset < 100) {
            EXPECT_THAT(report.failures, IsEmpty());
            EXPECT_LT(report.worst_neighbor_error, report.neighbor_error_bound / 10);
        } else {
            EXPECT_THAT(report.failures, Contains(HasSubstr("too much to tell them apart")));
            EXPECT_GT(report.worst_neighbor_error, 3 * report.neighbor_error_bound);
        }
    }
}

TEST_F(VerifyTest, PassesRowsLessACentreWhateverTheOffset) {
    for (const Precision precision : {Precision::f32, Precision::f16, Precision::bf16}) {
        for (const float offset : {0.0F, 10.0F, 1e3F, 1e4F, 1e5F}) {
            SCOPED_TRACE(std::string(to_string(precision)) + " around " + std::to_string(offset));
            use(rows_around(offset), Metric::l2);
            for (const bool rounds_queries : {false, true}) {
                const ShardedIndex index = scanned(precision, {.rounds_queries = rounds_queries, .uses_norms = true});
                EXPECT_EQ(index.load_report().devices[0].centred, precision != Precision::f32 || offset > 100);
                const VerifyReport report = verify(index, 10);
                EXPECT_THAT(report.failures, IsEmpty());
                EXPECT_LT(report.worst_neighbor_error, report.neighbor_error_bound / 10);
                EXPECT_LT(report.worst_neighbor_rounding, 0.02);
            }
        }
    }
}

// What is held is small beside the offset, so the bounds are, too: an answer without its q . m is far outside of them.
TEST_F(VerifyTest, FindsQueriesThatWereNotShifted) {
    for (const Metric metric : {Metric::inner_product, Metric::l2, Metric::l1, Metric::linf}) {
        for (const Precision precision : {Precision::f16, Precision::bf16}) {
            SCOPED_TRACE(to_string(metric) + " " + std::string(to_string(precision)));
            use(rows_around(0.5F), metric);
            EXPECT_THAT(verify(scanned(precision, {}), 10).failures, IsEmpty());
            EXPECT_THAT(verify(scanned(precision, {.forgets_centre = true}), 10).failures,
                        Contains(HasSubstr("is reported as")));
        }
    }
}

// 1e-4 of |q|^2 + |x|^2 is nothing around 100, and a tenth of the distance of neighbours.
TEST_F(VerifyTest, MeasuresErrorsByWhatIsHeld) {
    use(rows_around(100), Metric::l2);
    const auto too_far = [](std::vector<Neighbor>& all) {
        for (Neighbor& row : all) row.distance += 4;
    };
    for (const Precision precision : {Precision::f32, Precision::f16}) {
        EXPECT_THAT(verify(scanned(precision, {.fault = too_far}), 10).failures, Contains(HasSubstr("is reported as")))
            << to_string(precision);
    }
}

TEST_F(VerifyTest, FailsWhereRowsCannotBeFound) {
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    struct Case {
        std::string what;
        Metric metric;
        float value;
        std::int64_t every;  ///< how many rows apart the rows with the value are
        bool uses_norms;
        std::string reported;
        std::int64_t unreachable;
        bool none_is_searched;
    };
    const std::vector<Case> cases = {
        {"one NaN", Metric::l2, nan, 1000, false, "1 rows hold a NaN or an infinity", 1, false},
        {"infinities", Metric::inner_product, std::numeric_limits<float>::infinity(), 100, false,
         "3 rows hold a NaN or an infinity", 3, false},
        {"nothing else", Metric::inner_product, nan, 1, false, "none of 20 rows could be searched for", 240, true},
        {"long rows, by norms", Metric::l2, 3e19F, 100, true, "3 rows are too long for L2", 3, false},
        {"long rows, by differences", Metric::l2, 3e19F, 100, false, "", 0, false},
        {"long rows, by inner product", Metric::inner_product, 3e19F, 100, false, "", 0, false},
    };
    for (const Case& test_case : cases) {
        SCOPED_TRACE(test_case.what);
        Rows rows = uniform_rows(240, 8, 3);
        for (std::int64_t row = 0; row < 240; row += test_case.every) {
            rows.values[static_cast<std::size_t>(row * 8 + 2)] = test_case.value;
        }
        use(rows, test_case.metric);
        const ShardedIndex index = scanned(Precision::f32, {.uses_norms = test_case.uses_norms});
        const VerifyReport report = verify(index, 20);
        EXPECT_EQ(report.unreachable_rows, test_case.unreachable);
        if (test_case.reported.empty()) {
            EXPECT_THAT(report.failures, IsEmpty());
        } else {
            EXPECT_THAT(report.failures, Contains(HasSubstr(test_case.reported)));
        }
        EXPECT_EQ(report.rows == 0, test_case.none_is_searched);
        EXPECT_THAT(verify(index, 0).failures, IsEmpty()) << "nothing was asked";
    }
}

TEST_F(VerifyTest, OfNoRowsIsRight) {
    use(Rows{.count = 0, .dim = 8, .values = {}}, Metric::l2);
    const VerifyReport report = verify(on_host(Precision::f32), 20);
    EXPECT_EQ(report.rows, 0);
    EXPECT_THAT(report.failures, IsEmpty());
}

TEST_F(VerifyTest, OfRealEmbeddingsIsRightByFarInEveryMetricOfTheirs) {
    const std::filesystem::path shared = shared_data();
    if (shared.empty()) GTEST_SKIP() << "no real embeddings: see tests/README.md";
    const std::string bytes = read_file(shared / "debian_e5_flat.index");
    Rows rows{.count = 4000, .dim = 384, .values = std::vector<float>(4000 * 384)};
    std::memcpy(rows.values.data(), bytes.data() + bytes.size() - rows.values.size() * sizeof(float),
                rows.values.size() * sizeof(float));
    for (const Metric metric : {Metric::inner_product, Metric::l2, Metric::l1, Metric::linf}) {
        write_file(file_, flat_index(rows, metric));
        for (const Precision precision : {Precision::f32, Precision::f16}) {
            SCOPED_TRACE(to_string(metric) + " " + std::string(to_string(precision)));
            LoadOptions options;
            options.devices = "cpu=64MiB";
            options.plan.precision = parse_precision(to_string(precision));
            const ShardedIndex index = load(file_, options);
            EXPECT_EQ(index.load_report().underflowed_rows, 0);
            EXPECT_LT(index.load_report().underflowed_values, rows.count * rows.dim / 10'000);
            const VerifyReport report = verify(index, 10);
            EXPECT_THAT(report.failures, IsEmpty());
            EXPECT_LE(report.worst_neighbor_error, report.neighbor_error_bound / 10);
            const std::string name = to_string(metric) + "_" + std::string(to_string(precision));
            RecordProperty(name + "_worst_error", std::to_string(report.worst_error / report.error_bound));
            RecordProperty(name + "_worst_neighbor_error", std::to_string(report.worst_neighbor_error));
        }
    }
}

}  // namespace
}  // namespace gpushard::test
