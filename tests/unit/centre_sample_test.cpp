// Which shards hold rows less a centre, and where it comes from.

#include "load/centre_sample.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <stop_token>
#include <vector>

#include <gmock/gmock.h>

#include <gpushard/error.hpp>
#include <gpushard/index_inspector.hpp>

#include "load/shard_loader.hpp"
#include "support/fake_rig.hpp"
#include "support/index_writer.hpp"
#include "support/reference_search.hpp"
#include "support/test_sources.hpp"

namespace gpushard {
namespace {

using test::equal_parts;
using test::FakeRig;
using test::flat_index;
using test::HookedSource;
using test::Rows;
using test::uniform_rows;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(PlannedCentring, DependsOnKindPrecisionAndMetric) {
    const auto of = [](Metric metric) {
        std::vector<std::string> planned;
        for (const DeviceKind kind : {DeviceKind::cpu, DeviceKind::cuda}) {
            for (const Precision precision : {Precision::f32, Precision::f16, Precision::bf16}) {
                planned.emplace_back(to_string(planned_centring(kind, precision, metric)));
            }
        }
        return planned;
    };
    //                                                  host f32, f16,   bf16;     card f32, f16,   bf16
    EXPECT_THAT(of(Metric::inner_product), ElementsAre("none", "always", "always", "none", "always", "always"));
    EXPECT_THAT(of(Metric::l2), ElementsAre("none", "always", "always", "if far", "always", "always"));
    EXPECT_THAT(of(Metric::l1), ElementsAre("none", "always", "always", "none", "always", "always"));
    EXPECT_THAT(of(Metric::linf), ElementsAre("none", "always", "always", "none", "always", "always"));
    for (const Metric metric : {Metric::lp, Metric::canberra, Metric::bray_curtis, Metric::jensen_shannon}) {
        EXPECT_THAT(of(metric), Each("none")) << to_string(metric);
    }
}

TEST(CentreSample, IsSpreadEvenlyOverTheIndex) {
    for (const std::int64_t count :
         {0LL, 1LL, 2LL, 1000LL, 1024LL, 1025LL, 65'537LL, 262'145LL, 1'000'003LL, 21'015'324LL, 3'000'000'000LL}) {
        SCOPED_TRACE(count);
        const std::vector<RowRange> runs = centre_sample_runs(count);
        std::int64_t rows = 0;
        std::int64_t end = 0;
        const auto parts = static_cast<std::int64_t>(runs.size());
        for (std::int64_t i = 0; i < parts; ++i) {
            const RowRange& run = runs[static_cast<std::size_t>(i)];
            ASSERT_GE(run.begin, end) << "in order, and none twice";
            ASSERT_GT(run.count(), 0);
            // Each lies in the middle of its part, of which there are as many as runs.
            const double middle = (static_cast<double>(i) + 0.5) / static_cast<double>(parts);
            const double centre = (static_cast<double>(run.begin) + static_cast<double>(run.end)) / 2;
            ASSERT_NEAR(centre, middle * static_cast<double>(count), 2);
            rows += run.count();
            end = run.end;
        }
        EXPECT_LE(end, count);
        EXPECT_EQ(rows, std::min({count, std::int64_t{65'536}, std::max(std::int64_t{1024}, count / 64)}));
        EXPECT_LE(parts, 4096) << "a disk seeks for each";
    }
}

/// What a sample says of rows, and the bytes of the index that was read.
struct Sampled {
    explicit Sampled(const Rows& rows, Metric metric = Metric::l2, Bytes buffer_bytes = 64_KiB)
        : bytes(flat_index(rows, metric)), source(view_memory(bytes.data(), bytes.size())) {
        profile = inspect_index(*source);
        sample = read_centre_sample(*source, profile, buffer_bytes, {});
    }

    std::string bytes;
    std::shared_ptr<ByteSource> source;
    IndexProfile profile;
    CentreSample sample;
};

Rows normal_rows(std::int64_t count, std::int32_t dim, float offset, float deviation) {
    Rows rows{.count = count, .dim = dim, .values = std::vector<float>(static_cast<std::size_t>(count * dim))};
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    for (float& value : rows.values) value = offset + deviation * normal(random);
    return rows;
}

TEST(CentreSample, IsTheMean) {
    for (const float offset : {0.0F, -0.7F, 100.0F, 1e4F}) {
        for (const float deviation : {1e-3F, 1.0F, 300.0F}) {
            const Rows rows = normal_rows(900, 5, offset, deviation);
            const Sampled sampled(rows);
            EXPECT_EQ(sampled.sample.rows, 900);
            for (std::size_t i = 0; i < 5; ++i) {
                double mean = 0;
                for (std::size_t row = 0; row < 900; ++row) mean += rows.values[row * 5 + i] / 900.0;
                const float centre = sampled.sample.centre[i];
                EXPECT_NEAR(centre, mean, 1e-6 * deviation + 6e-8 * std::abs(mean)) << offset << " +- " << deviation;
            }
        }
    }
}

TEST(CentreSample, IsExactlyTheValueOfAColumnThatIsConstant) {
    Rows rows = uniform_rows(3000, 4, 5);
    const float values[] = {0.1F, -1e30F, 16'777'215.0F};
    for (std::int64_t row = 0; row < rows.count; ++row) {
        std::copy_n(values, 3, rows.values.begin() + row * 4);
    }
    const Sampled sampled(rows);
    EXPECT_THAT(std::vector<float>(sampled.sample.centre.begin(), sampled.sample.centre.begin() + 3),
                ElementsAre(values[0], values[1], values[2]));
}

// Of 2^11 float16 has all whole numbers: bytes stay what they are when the centre is a whole number, too.
TEST(CentreSample, LeavesBytesExactInFloat16) {
    Rows rows = uniform_rows(2000, 16, 5);
    for (float& value : rows.values) value = std::floor(std::abs(value) * 256);
    for (const float centre : Sampled(rows).sample.centre) {
        EXPECT_NEAR(centre, 128, 16);
        EXPECT_EQ(centre, std::floor(centre));
    }
}

TEST(CentreSample, LeavesOutRowsThatAreNotFinite) {
    Rows rows = normal_rows(1000, 3, 7, 0);
    rows.values[12] = std::numeric_limits<float>::quiet_NaN();
    rows.values[1502] = std::numeric_limits<float>::infinity();
    rows.values[1500] = 1e20F;
    const Sampled sampled(rows);
    EXPECT_EQ(sampled.sample.rows, 998);
    EXPECT_THAT(sampled.sample.centre, Each(7));

    std::fill(rows.values.begin(), rows.values.end(), -std::numeric_limits<float>::infinity());
    const Sampled of_none(rows);
    EXPECT_EQ(of_none.sample.rows, 0);
    EXPECT_THAT(of_none.sample.centre, Each(0));
    EXPECT_FALSE(of_none.sample.is_far);
}

TEST(CentreSample, HoldsWhateverFloat32Does) {
    Rows rows = normal_rows(1000, 2, 0, 1);
    for (std::size_t i = 0; i < rows.values.size(); ++i) {
        rows.values[i] = std::numeric_limits<float>::max() * (i % 3 == 0 ? -1.0F : 1.0F);
    }
    for (const float centre : Sampled(rows).sample.centre) EXPECT_TRUE(std::isfinite(centre));
    std::fill(rows.values.begin(), rows.values.end(), std::numeric_limits<float>::max());
    EXPECT_THAT(Sampled(rows).sample.centre, Each(std::numeric_limits<float>::max()));
    std::fill(rows.values.begin(), rows.values.end(), std::numeric_limits<float>::denorm_min());
    EXPECT_THAT(Sampled(rows).sample.centre, Each(std::numeric_limits<float>::denorm_min()));
}

TEST(CentreSample, SaysWhenRowsLieFarFromZero) {
    EXPECT_TRUE(Sampled(normal_rows(2000, 64, 100, 1)).sample.is_far);
    EXPECT_TRUE(Sampled(normal_rows(2000, 64, 1e4F, 1)).sample.is_far);
    EXPECT_TRUE(Sampled(normal_rows(2000, 64, 3, 0)).sample.is_far) << "all the same";
    EXPECT_FALSE(Sampled(normal_rows(2000, 64, 0, 1)).sample.is_far);
    EXPECT_FALSE(Sampled(normal_rows(2000, 64, 10, 1)).sample.is_far);
    EXPECT_FALSE(Sampled(normal_rows(2000, 64, 0, 0)).sample.is_far) << "all zero";

    // Embeddings of unit length, with cosines of 0.9 among them.
    Rows rows = normal_rows(2000, 384, 1, 0.33F);
    for (std::int64_t row = 0; row < rows.count; ++row) {
        float* const values = rows.values.data() + row * 384;
        double squares = 0;
        for (int i = 0; i < 384; ++i) squares += static_cast<double>(values[i]) * values[i];
        for (int i = 0; i < 384; ++i) values[i] /= static_cast<float>(std::sqrt(squares));
    }
    EXPECT_FALSE(Sampled(rows).sample.is_far);
}

TEST(CentreSample, ReadsInPiecesNoLargerThanItsBuffer) {
    const Rows rows = uniform_rows(600'000, 3, 9);
    const std::string bytes = flat_index(rows, Metric::l2);
    const IndexProfile profile = inspect_index(*view_memory(bytes.data(), bytes.size()));
    std::vector<CentreSample> samples;
    for (const Bytes buffer : {Bytes{12}, Bytes{25}, 4_KiB}) {
        Bytes largest = 0;
        const HookedSource source(view_memory(bytes.data(), bytes.size()),
                                  [&](std::int64_t, Bytes, Bytes count) { largest = std::max(largest, count); });
        samples.push_back(read_centre_sample(source, profile, buffer, {}));
        EXPECT_LE(largest, buffer);
        EXPECT_EQ(source.bytes_read(), 9375 * 12u);
        EXPECT_EQ(samples.back().rows, 9375);
        EXPECT_EQ(samples.back().centre, samples.front().centre);
    }
}

TEST(CentreSample, StopsWhenItIsToldTo) {
    const Rows rows = uniform_rows(5000, 3, 9);
    const std::string bytes = flat_index(rows, Metric::l2);
    const IndexProfile profile = inspect_index(*view_memory(bytes.data(), bytes.size()));
    std::stop_source stop;
    const HookedSource source(view_memory(bytes.data(), bytes.size()), [&](std::int64_t read, Bytes, Bytes) {
        if (read == 3) stop.request_stop();
    });
    EXPECT_THROW(read_centre_sample(source, profile, 4_KiB, stop.get_token()), Cancelled);
    EXPECT_EQ(source.reads(), 4);
}

TEST(CentreSample, OfAFileThatIsShortIsRefusedAsReadingIs) {
    const Rows rows = uniform_rows(5000, 3, 9);
    const std::string bytes = flat_index(rows, Metric::l2);
    const IndexProfile profile = inspect_index(*view_memory(bytes.data(), bytes.size()));
    EXPECT_THROW(read_centre_sample(*view_memory(bytes.data(), bytes.size() / 2), profile, 4_KiB, {}), BadFile);
}

/// A load onto two fake cards of each of two replicas.
struct CentredLoad {
    CentredLoad(const Rows& rows, Metric metric, Precision precision)
        : bytes(flat_index(rows, metric)),
          source(view_memory(bytes.data(), bytes.size())),
          rig(*source, {equal_parts(rows.count, 2), equal_parts(rows.count, 2)}, precision),
          loaded(load_shards(rig.plan, source, rig.devices, {})) {}

    std::string bytes;
    std::shared_ptr<ByteSource> source;
    FakeRig rig;
    LoadedShards loaded;
};

TEST(CentredLoad, GivesEveryShardTheSameCentre) {
    const Rows rows = normal_rows(3000, 4, 5, 1);
    const CentredLoad load(rows, Metric::inner_product, Precision::f16);
    const LoadReport& report = load.loaded.report;
    EXPECT_EQ(report.centre, Sampled(rows).sample.centre);
    EXPECT_EQ(report.centre_sample_rows, 1024);
    EXPECT_EQ(report.file_bytes_read, load.bytes.size() + 16_KiB) << "everything, and the sample twice";
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_TRUE(report.devices[i].centred);
        ASSERT_TRUE(load.rig.fakes[i]->last_spec().centre);
        EXPECT_EQ(load.rig.fakes[i]->last_spec().centre, load.rig.fakes[0]->last_spec().centre);
        EXPECT_EQ(*load.rig.fakes[i]->last_spec().centre, report.centre);
    }
}

TEST(CentredLoad, LeavesFloat32AloneWhereRowsAreNearZero) {
    const CentredLoad near(normal_rows(3000, 4, 5, 1), Metric::l2, Precision::f32);
    EXPECT_THAT(near.loaded.report.centre, IsEmpty());
    EXPECT_EQ(near.loaded.report.centre_sample_rows, 1024) << "which were read";
    EXPECT_FALSE(near.loaded.report.devices[0].centred);
    EXPECT_FALSE(near.rig.fakes[0]->last_spec().centre);

    const CentredLoad far(normal_rows(3000, 4, 500, 1), Metric::l2, Precision::f32);
    EXPECT_EQ(far.loaded.report.centre.size(), 4u);
    EXPECT_TRUE(far.loaded.report.devices[0].centred);

    const CentredLoad by_product(normal_rows(3000, 4, 500, 1), Metric::inner_product, Precision::f32);
    EXPECT_THAT(by_product.loaded.report.centre, IsEmpty());
    EXPECT_EQ(by_product.loaded.report.centre_sample_rows, 0);
    EXPECT_EQ(by_product.loaded.report.file_bytes_read, by_product.bytes.size());
}

TEST(CentredLoad, ReadsNoSampleForALoadThatDoesNotFit) {
    const Rows rows = normal_rows(3000, 4, 5, 1);
    const std::string bytes = flat_index(rows, Metric::l2);
    const std::shared_ptr<ByteSource> memory = view_memory(bytes.data(), bytes.size());
    const FakeRig rig(*memory, {equal_parts(3000, 2)}, Precision::f16);
    rig.fakes[1]->set_taken_by_others(FakeRig::budget);
    const Bytes before = memory->bytes_read();
    EXPECT_THROW(load_shards(rig.plan, memory, rig.devices, {}), InsufficientMemory);
    EXPECT_LE(memory->bytes_read() - before, 45u);
}

}  // namespace
}  // namespace gpushard
