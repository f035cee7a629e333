// `load --verify` as scripts see it where not all is right.

#include <algorithm>
#include <limits>

#include <gmock/gmock.h>

#include "scenario.hpp"

namespace gpushard::test {
namespace {

using testing::HasSubstr;

class VerifyCommand : public ScenarioFolder {
protected:
    std::string index(const Rows& rows, Metric metric = Metric::l2) const {
        return write("a.index", flat_index(rows, metric));
    }
};

TEST_F(VerifyCommand, FailsWhereRowsCannotBeFound) {
    Rows rows = uniform_rows(500, 16, 1);
    rows.values[16 * 41 + 3] = std::numeric_limits<float>::quiet_NaN();
    const std::string file = index(rows);
    const Json loaded = json_of({"load", file, "--devices", "cpu=1MiB"});
    EXPECT_EQ(loaded["non_finite_rows"], 1);
    EXPECT_EQ(loaded["first_non_finite_row"], 41);
    const ChildResult verified = run_gpushard({"load", file, "--devices", "cpu=1MiB", "--verify", "5", "--json"});
    EXPECT_EQ(verified.exit_code, 1);
    EXPECT_THAT(verified.err, HasSubstr("1 rows hold a NaN or an infinity and cannot be found, the first is row 41"));
    EXPECT_THAT(verified.out, HasSubstr("\"unreachable_rows\": 1"));
}

TEST_F(VerifyCommand, FailsWhereNoRowCanBeSearchedFor) {
    Rows rows = uniform_rows(50, 4, 1);
    std::fill(rows.values.begin(), rows.values.end(), std::numeric_limits<float>::infinity());
    const ChildResult verified =
        run_gpushard({"load", index(rows, Metric::inner_product), "--devices", "cpu=1MiB", "--verify", "5"});
    EXPECT_EQ(verified.exit_code, 1);
    EXPECT_THAT(verified.out, HasSubstr("none of 5 rows could be searched for"));
}

TEST_F(VerifyCommand, IsRightForHalvesOfAnyMetric) {
    for (const Metric metric : {Metric::l2, Metric::l1, Metric::linf}) {
        const Json loaded = json_of({"load", index(uniform_rows(300, 2, 1), metric), "--devices", "cpu=1MiB",
                                     "--precision", "f16", "--verify", "30"});
        EXPECT_EQ(loaded["verified"]["rows"], 30);
        EXPECT_EQ(loaded["verified"]["failures"], Json::array());
    }
}

TEST_F(VerifyCommand, RowsTooSmallForFloat16AreRefusedWithTheWayOut) {
    Rows rows = uniform_rows(500, 16, 1);
    for (float& value : rows.values) value *= 1e-8F;
    const std::string file = index(rows);
    const Arguments request = {"load", file, "--devices", "cpu=1MiB", "--precision", "f16"};
    expect_error(request, 4, {"too small for float16", file});
    EXPECT_THAT(run_gpushard(request).err, HasSubstr("try: --precision f32"));
    EXPECT_EQ(json_of({"load", file, "--devices", "cpu=1MiB"})["underflowed_rows"], 0);
}

}  // namespace
}  // namespace gpushard::test
