// What float16 loses of small values: counted, and refused where it is too much, with nothing left behind.

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include <gpushard/backend.hpp>
#include <gpushard/error.hpp>
#include <gpushard/load.hpp>

#include "support/errors.hpp"
#include "support/index_writer.hpp"
#include "support/temp_dir.hpp"

namespace gpushard::test {
namespace {

constexpr std::int64_t count = 1000;
constexpr std::int32_t dim = 16;

void fill(Rows& rows, std::int64_t row, float value) { std::fill_n(rows.values.begin() + row * dim, dim, value); }

/// Every other row becomes the opposite of the one before: their centre is zero, and what is held is what the file has.
Rows mirrored(Rows rows) {
    for (std::size_t i = 0; i < rows.values.size(); ++i) {
        if (i / dim % 2 == 1) rows.values[i] = -rows.values[i - dim];
    }
    return rows;
}

/// 1,000 rows, of which so many, an even number in pairs spread over all, are too small.
Rows with_small_rows(std::int64_t small) {
    Rows rows = uniform_rows(count, dim, 1);
    for (std::int64_t pair = 0; pair < small / 2; ++pair) fill(rows, pair * count / small * 2 + 6, 1e-8F);
    return mirrored(std::move(rows));
}

Rows scaled(float scale) {
    Rows rows = mirrored(uniform_rows(count, dim, 1));
    for (float& value : rows.values) value *= scale;
    return rows;
}

/// Two values of a hundred are too small, of rows that are large.
Rows with_small_values() {
    Rows rows = uniform_rows(count, dim, 1);
    for (std::size_t i = 0; i < rows.values.size(); i += 50) rows.values[i] = 1e-8F;
    return mirrored(std::move(rows));
}

struct Case {
    std::string what;
    Rows rows;
    Metric metric = Metric::l2;
    bool is_refused = false;
    std::int64_t lost_rows = 0;
    std::int64_t first_lost = -1;
    bool has_lost_values = false;
};

std::vector<Case> cases() {
    return {{"ordinary", scaled(1), Metric::l2, false, 0, -1, false},
            {"small, but not too small", scaled(1e-3F), Metric::l2, false, 0, -1, true},
            {"rows near 1e-8", scaled(1e-8F), Metric::inner_product, true},
            {"rows near 1e-6", scaled(1e-6F), Metric::l2, true},
            {"rows of zeros", scaled(0), Metric::l2, false, 0, -1, false},
            {"one row in a hundred", with_small_rows(10), Metric::l2, false, 10, 6, true},
            {"one pair more", with_small_rows(12), Metric::l2, true},
            {"values beside larger ones", with_small_values(), Metric::l1, false, 0, -1, true},
            {"values that weigh as much as larger ones", with_small_values(), Metric::canberra, true}};
}

TEST(Underflow, IsCountedAndRefusedWhereItIsTooMuch) {
    const TempDir folder;
    const std::filesystem::path file = folder / "a.index";
    LoadOptions options;
    options.devices = "cpu=1MiB*3";  // none of the three has more than a hundredth of all rows to refuse by itself
    for (const Case& test_case : cases()) {
        SCOPED_TRACE(test_case.what);
        write_file(file, flat_index(test_case.rows, test_case.metric));
        options.plan.precision = PrecisionChoice::f16;
        const PlacementPlan halves = plan(file, options);
        ASSERT_EQ(halves.used_devices(), 3);
        options.plan.precision = PrecisionChoice::f32;
        const PlacementPlan stored = plan(file, options);
        std::vector<std::shared_ptr<Device>> devices;
        for (const ShardPlacement& placement : halves.devices) devices.push_back(make_cpu_device(placement.device));
        const Bytes free_at_start = devices[0]->free_bytes();
        if (test_case.is_refused) {
            const std::string message = message_of<BadFile>([&] { load(halves, open_file(file), devices); });
            EXPECT_THAT(message, testing::HasSubstr("too small for float16"));
        } else {
            const ShardedIndex index = load(halves, open_file(file), devices);
            EXPECT_EQ(index.load_report().underflowed_rows, test_case.lost_rows);
            EXPECT_EQ(index.load_report().first_underflowed_row, test_case.first_lost);
            EXPECT_EQ(index.load_report().underflowed_values > 0, test_case.has_lost_values);
        }
        for (const auto& device : devices) EXPECT_EQ(device->free_bytes(), free_at_start);
        const ShardedIndex index = load(stored, open_file(file), devices);
        EXPECT_EQ(index.load_report().underflowed_rows, 0) << "float32 keeps every digit";
        EXPECT_EQ(index.load_report().underflowed_values, 0);
    }
}

TEST(Underflow, IsRefusedWithTheWayOut) {
    const TempDir folder;
    write_file(folder / "a.index", flat_index(scaled(1e-8F), Metric::l2));
    LoadOptions options;
    options.devices = "cpu=1MiB";
    options.plan.precision = PrecisionChoice::f16;
    try {
        load(folder / "a.index", options);
        FAIL() << "nothing was thrown";
    } catch (const BadFile& refusal) {
        EXPECT_THAT(refusal.hints(), testing::ElementsAre(testing::StartsWith("--precision f32"),
                                                          testing::StartsWith("--precision bf16")));
    }
}

}  // namespace
}  // namespace gpushard::test
