// `verify` on cards: what it says of right answers, and of wrong ones.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <gpushard/cuda/cuda_device.hpp>

#include "cuda/answers_on_cards.hpp"

namespace gpushard::test {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// A card whose memory has something else than what was sent to it.
class FaultyCard final : public Device {
public:
    explicit FaultyCard(std::unique_ptr<Device> card) : card_(std::move(card)) {}

    const DeviceInfo& info() const override { return card_->info(); }
    Bytes free_bytes() const override { return card_->free_bytes(); }
    std::unique_ptr<Shard> load_shard(const ShardSpec& spec, RowFeed& feed) override {
        NegatedRows negated(feed, spec.index.dim);
        return card_->load_shard(spec, negated);
    }

private:
    class NegatedRows final : public RowFeed {
    public:
        NegatedRows(RowFeed& feed, std::int64_t dim) : feed_(feed), dim_(dim) {}

        std::optional<RowBlock> next(float*) override {
            std::optional<RowBlock> block = feed_.next(nullptr);
            if (!block) return block;
            values_.assign(block->rows, block->rows + block->row_count * dim_);
            for (float& value : values_) value = -value;
            block->rows = values_.data();
            return block;
        }

    private:
        RowFeed& feed_;
        std::int64_t dim_;
        std::vector<float> values_;
    };

    std::unique_ptr<Device> card_;
};

class VerifiedCards : public AnswersOnCards {};

TEST_F(VerifiedCards, GiveTheDistancesOfTheFile) {
    for (const Metric metric : {Metric::inner_product, Metric::l2}) {
        for (const Precision precision : {Precision::f32, Precision::f16}) {
            use(1500, metric, precision);
            for (const std::string devices : {"cuda:0", "cuda:all", "cuda:0=600MiB*8", "cuda:0,cpu=8MiB"}) {
                SCOPED_TRACE(to_string(metric) + " " + std::string(to_string(precision)) + " on " + devices);
                type_cards();
                options_.devices = devices;
                const ShardedIndex index = loaded();
                EXPECT_EQ(index.plan().used_devices(), static_cast<int>(index.plan().devices.size()));
                const VerifyReport report = verify(index, 12);
                EXPECT_EQ(report.rows, 12);
                EXPECT_THAT(report.failures, IsEmpty());
                EXPECT_LE(report.worst_error, report.error_bound);
                EXPECT_EQ(report.error_bound, precision == Precision::f32 ? 1e-5 : 2e-4);
                // Rounding shows: this was not computed in double precision.
                EXPECT_GT(report.worst_error, 0);
            }
        }
    }
}

TEST_F(VerifiedCards, AreFoundOutWhereTheyHoldOtherRows) {
    for (const Metric metric : {Metric::inner_product, Metric::l2}) {
        use(1500, metric, Precision::f32);
        options_.devices = "cuda:0,cuda:1";
        const PlacementPlan plan = planned();
        const std::vector<std::shared_ptr<Device>> devices{
            make_cuda_device(plan.devices[0].device),
            std::make_shared<FaultyCard>(make_cuda_device(plan.devices[1].device))};
        const ShardedIndex index = load(plan, open_file(path("rows.index")), devices);
        const VerifyReport report = verify(index, 20);
        EXPECT_EQ(report.rows, 20);
        EXPECT_THAT(report.failures, SizeIs(testing::Gt(5U)));
        EXPECT_THAT(report.failures, Each(HasSubstr("row ")));
        EXPECT_GT(report.worst_error, report.error_bound);
    }
}

}  // namespace
}  // namespace gpushard::test
