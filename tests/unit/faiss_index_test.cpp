#include <memory>
#include <string>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/IndexPQ.h>
#include <faiss/impl/FaissException.h>
#include <faiss/impl/IDSelector.h>
#include <gtest/gtest.h>

#include <gpushard/error.hpp>
#include <gpushard/faiss/faiss_index.hpp>

#include "support/index_writer.hpp"

namespace gpushard::test {
namespace {

const LoadOptions on_host = [] {
    LoadOptions options;
    options.devices = "cpu";
    return options;
}();

class FaissView : public testing::Test {
protected:
    FaissView() {
        source_.add(rows_.count, rows_.values.data());
        view_ = as_faiss_index(load(source_, on_host));
    }

    const Rows rows_ = uniform_rows(50, 8, 1);
    faiss::IndexFlatL2 source_{8};
    std::unique_ptr<faiss::Index> view_;
};

TEST_F(FaissView, LooksLikeTheIndex) {
    EXPECT_EQ(view_->d, 8);
    EXPECT_EQ(view_->ntotal, 50);
    EXPECT_EQ(view_->metric_type, faiss::METRIC_L2);
    EXPECT_TRUE(view_->is_trained);
}

TEST_F(FaissView, Searches) {
    std::vector<float> distances(10);
    std::vector<std::int64_t> labels(10);
    view_->search(2, rows_.values.data(), 5, distances.data(), labels.data());
    EXPECT_EQ(labels[0], 0);
    EXPECT_EQ(labels[5], 1);
    std::vector<std::int64_t> assigned(2);
    view_->assign(2, rows_.values.data(), assigned.data());
    EXPECT_EQ(assigned, (std::vector<std::int64_t>{0, 1}));
}

TEST_F(FaissView, RefusesToChange) {
    const std::int64_t id = 1;
    std::vector<float> row(8);
    EXPECT_THROW(view_->add(1, row.data()), faiss::FaissException);
    EXPECT_THROW(view_->add_with_ids(1, row.data(), &id), faiss::FaissException);
    EXPECT_THROW(view_->train(1, row.data()), faiss::FaissException);
    EXPECT_THROW(view_->reset(), faiss::FaissException);
    EXPECT_THROW(view_->remove_ids(faiss::IDSelectorRange(0, 1)), faiss::FaissException);
    EXPECT_THROW(view_->reconstruct(0, row.data()), faiss::FaissException);
    EXPECT_EQ(view_->ntotal, 50);
}

TEST_F(FaissView, RefusesSearchParameters) {
    faiss::IDSelectorRange selector(0, 10);
    faiss::SearchParameters parameters;
    parameters.sel = &selector;
    float distance = 0;
    std::int64_t label = 0;
    EXPECT_THROW(view_->search(1, rows_.values.data(), 1, &distance, &label, &parameters), faiss::FaissException);
}

TEST(FromMemory, HasTheProfileOfTheFileFaissWouldWrite) {
    faiss::IndexFlat index(4, faiss::METRIC_L1);
    const Rows rows = uniform_rows(3, 4, 1);
    index.add(3, rows.values.data());
    const IndexProfile profile = inspect_index(index);
    EXPECT_EQ(profile.fourcc, "IxFl");
    EXPECT_EQ(profile.count, 3);
    EXPECT_EQ(profile.dim, 4);
    EXPECT_EQ(profile.metric, Metric::l1);
    EXPECT_EQ(profile.payload_offset, 49u);
    EXPECT_EQ(profile.bytes, 49u + 48u);
}

TEST(FromMemory, RefusesOtherTypes) {
    const faiss::IndexPQ index(8, 2, 4);
    EXPECT_THROW(load(index), InvalidArgument);
}

TEST(FromMemory, CannotBeVerifiedAfterwards) {
    faiss::IndexFlatL2 source(4);
    const Rows rows = uniform_rows(3, 4, 1);
    source.add(3, rows.values.data());
    const ShardedIndex index = load(source, on_host);
    EXPECT_THROW(verify(index, 1), FileChanged);
}

}  // namespace
}  // namespace gpushard::test
