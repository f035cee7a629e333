// What shards hold of rows less a centre, and what queries become.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include <gpushard/error.hpp>

#include "shard/centred_queries.hpp"
#include "shard/row_intake.hpp"
#include "shard/row_kernels.hpp"
#include "support/errors.hpp"
#include "support/index_writer.hpp"

namespace gpushard {
namespace {

using test::message_of;
using test::Rows;
using test::uniform_rows;
using testing::Each;
using testing::HasSubstr;

std::vector<float> centre_of(std::int32_t dim) {
    std::vector<float> centre;
    for (std::int32_t i = 0; i < dim; ++i) centre.push_back(10.0F + 0.3F * static_cast<float>(i));
    return centre;
}

ShardSpec spec_of(const Rows& rows, Precision precision, std::vector<float> centre) {
    ShardSpec spec;
    spec.index.dim = rows.dim;
    spec.index.count = rows.count;
    spec.index.metric = Metric::l2;
    spec.precision = precision;
    spec.rows = {0, rows.count};
    spec.centre = std::make_shared<const std::vector<float>>(std::move(centre));
    return spec;
}

/// The float32 values of what was held.
std::vector<float> widened(Precision precision, const std::vector<std::byte>& held, std::size_t count) {
    std::vector<float> values(count);
    if (precision == Precision::f32) {
        std::memcpy(values.data(), held.data(), count * sizeof(float));
        return values;
    }
    std::vector<std::uint16_t> narrow(count);
    std::memcpy(narrow.data(), held.data(), count * sizeof(std::uint16_t));
    if (precision == Precision::f16) {
        widen_halves(narrow.data(), static_cast<std::int64_t>(count), values.data());
        return values;
    }
    for (std::size_t i = 0; i < count; ++i) {
        values[i] = std::bit_cast<float>(static_cast<std::uint32_t>(narrow[i]) << 16);
    }
    return values;
}

// Dimensions for the kernels of eight and sixteen values at a time, and for what is left of them.
TEST(CentredRows, AreHeldAsTheRoundedDifference) {
    for (const std::int32_t dim : {1, 7, 8, 16, 24, 35, 384}) {
        for (const Precision precision : {Precision::f32, Precision::f16, Precision::bf16}) {
            SCOPED_TRACE(std::string(to_string(precision)) + " " + std::to_string(dim));
            Rows rows = uniform_rows(9, dim, 2);
            for (float& value : rows.values) value += 11;
            const std::vector<float> centre = centre_of(dim);
            const ShardSpec spec = spec_of(rows, precision, centre);
            RowIntake intake(spec);
            std::vector<std::byte> held(rows.values.size() * sizeof(float));
            std::vector<float> norms(9);
            intake.take(0, 9, rows.values.data(), held.data(), norms.data());

            const std::vector<float> found = widened(precision, held, rows.values.size());
            for (std::int64_t row = 0; row < 9; ++row) {
                double norm = 0;
                for (std::int32_t i = 0; i < dim; ++i) {
                    const float difference = rows.row(row)[i] - centre[static_cast<std::size_t>(i)];
                    float rounded = 0;
                    round_values(precision, &difference, 1, &rounded);  // one at a time: no vector kernel
                    const float value = found[static_cast<std::size_t>(row * dim + i)];
                    ASSERT_EQ(value, rounded) << row << " " << i;
                    norm += static_cast<double>(value) * value;
                }
                EXPECT_NEAR(norms[static_cast<std::size_t>(row)], norm, 1e-5 * norm) << "of what is held";
            }
        }
    }
}

TEST(CentredRows, AreZeroWhereAColumnIsConstant) {
    for (const Precision precision : {Precision::f32, Precision::f16, Precision::bf16}) {
        const Rows rows{.count = 4, .dim = 20, .values = std::vector<float>(80, 0.1F)};
        const ShardSpec spec = spec_of(rows, precision, std::vector<float>(20, 0.1F));
        RowIntake intake(spec);
        std::vector<std::byte> held(80 * sizeof(float));
        std::vector<float> norms(4, -1);
        intake.take(0, 4, rows.values.data(), held.data(), norms.data());
        EXPECT_THAT(widened(precision, held, 80), Each(0));
        EXPECT_THAT(norms, Each(0));
        EXPECT_EQ(intake.count().underflowed_values, 0);
        EXPECT_EQ(intake.count().underflowed_rows, 0);
    }
}

TEST(CentredRows, OverflowByWhatIsHeld) {
    // 100,000 is beyond float16, 100 from the centre is not; 1,000 is not, and 99,000 from the centre is.
    for (const auto& [value, fits] : {std::pair{100'100.0F, true}, std::pair{1000.0F, false}}) {
        Rows rows = uniform_rows(3, 8, 2);
        for (float& of_row : rows.values) of_row = 100'000;
        rows.values[12] = value;
        const ShardSpec spec = spec_of(rows, Precision::f16, std::vector<float>(8, 100'000.0F));
        RowIntake intake(spec);
        std::vector<std::uint16_t> held(rows.values.size());
        const auto take = [&] { intake.take(0, 3, rows.values.data(), held.data(), nullptr); };
        if (fits) {
            take();
        } else {
            EXPECT_THAT(message_of<BadFile>(take),
                        HasSubstr("row 1 less the centre of all holds a value that float16"));
        }
    }
}

TEST(CentredRows, UnderflowByWhatIsHeld) {
    const Rows rows{.count = 200, .dim = 8, .values = std::vector<float>(1600, 1 + 0x1p-20F)};
    const ShardSpec spec = spec_of(rows, Precision::f16, std::vector<float>(8, 1.0F));
    RowIntake intake(spec);
    std::vector<std::uint16_t> held(rows.values.size());
    EXPECT_THAT(message_of<BadFile>([&] { intake.take(0, 200, rows.values.data(), held.data(), nullptr); }),
                HasSubstr("too small for float16"));
}

TEST(CentredQueries, AreShiftedForDistancesOnly) {
    EXPECT_FALSE(shifts_queries(Metric::inner_product));
    for (const Metric metric : {Metric::l2, Metric::l1, Metric::linf}) EXPECT_TRUE(shifts_queries(metric));
}

TEST(CentredQueries, LackOneNumberAQueryByInnerProduct) {
    const Rows rows = uniform_rows(5, 33, 4);
    const Rows queries = uniform_rows(3, 33, 5);
    const std::vector<float> centre = centre_of(33);
    std::vector<float> shifted(rows.values.size());
    subtract_centre(rows.values.data(), 5, 33, centre.data(), shifted.data());
    for (std::int64_t query = 0; query < 3; ++query) {
        const double lacking = centre_product(queries.row(query), centre.data(), 33);
        for (std::int64_t row = 0; row < 5; ++row) {
            double whole = 0;
            double of_held = 0;
            for (std::int64_t i = 0; i < 33; ++i) {
                whole += static_cast<double>(queries.row(query)[i]) * rows.row(row)[i];
                of_held += static_cast<double>(queries.row(query)[i]) * shifted[static_cast<std::size_t>(row * 33 + i)];
            }
            EXPECT_NEAR(of_held + lacking, whole, 1e-4);
        }
    }
}

TEST(CentredQueries, MayBeShiftedInPlace) {
    std::vector<float> values = {1, 2, 3, 4, 5, 6};
    const std::vector<float> centre = {1, 1, 2};
    subtract_centre(values.data(), 2, 3, centre.data(), values.data());
    EXPECT_THAT(values, testing::ElementsAre(0, 1, 1, 3, 4, 4));
}

}  // namespace
}  // namespace gpushard
