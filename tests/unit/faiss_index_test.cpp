#include <cmath>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/IndexPQ.h>
#include <faiss/IndexRefine.h>
#include <faiss/impl/DistanceComputer.h>
#include <faiss/impl/FaissException.h>
#include <faiss/impl/IDSelector.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/error.hpp>
#include <gpushard/faiss/faiss_index.hpp>

#include "support/errors.hpp"
#include "support/index_writer.hpp"
#include "support/temp_dir.hpp"

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

/// A view of an index that was loaded from a file, beside Faiss's own index of the same rows.
class FaissViewOfFile : public testing::TestWithParam<Metric> {
protected:
    FaissViewOfFile() {
        write_file(file_, flat_index(rows_, GetParam()));
        own_.add(rows_.count, rows_.values.data());
        view_ = as_faiss_index(load(file_, on_host));
    }

    std::vector<float> array(std::int64_t rows) const { return std::vector<float>(static_cast<std::size_t>(rows) * 8); }

    // More than Faiss reads without threads.
    const Rows rows_ = uniform_rows(1500, 8, 1);
    const Rows queries_ = uniform_rows(40, 8, 2);
    const TempDir folder_;
    const std::filesystem::path file_ = folder_ / "a.index";
    faiss::IndexFlat own_{8, static_cast<faiss::MetricType>(static_cast<int>(GetParam()))};
    std::unique_ptr<faiss::Index> view_;
};

INSTANTIATE_TEST_SUITE_P(OfMetric, FaissViewOfFile, testing::Values(Metric::l2, Metric::inner_product, Metric::l1),
                         [](const auto& metric) { return to_string(metric.param); });

TEST_P(FaissViewOfFile, GivesRowsBackAsTheyStandInTheFile) {
    std::vector<float> row(8);
    view_->reconstruct(1499, row.data());
    EXPECT_THAT(row, testing::ElementsAreArray(rows_.row(1499), 8));

    std::vector<float> some = array(1200);
    view_->reconstruct_n(300, 1200, some.data());
    EXPECT_THAT(some, testing::ElementsAreArray(rows_.row(300), 1200 * 8));

    std::vector<std::int64_t> keys;
    for (std::int64_t i = 0; i < 1200; ++i) keys.push_back(1499 - i);
    view_->reconstruct_batch(1200, keys.data(), some.data());
    std::vector<float> expected = array(1200);
    own_.reconstruct_batch(1200, keys.data(), expected.data());
    EXPECT_EQ(some, expected);

    EXPECT_NO_THROW(view_->reconstruct_n(1500, 0, nullptr));
    EXPECT_NO_THROW(view_->reconstruct_batch(0, nullptr, nullptr));
}

TEST_P(FaissViewOfFile, SubtractsRowsAsFaissDoes) {
    std::vector<std::int64_t> keys;
    for (std::int64_t i = 0; i < 40; ++i) keys.push_back(31 * i);
    std::vector<float> found = array(40);
    std::vector<float> expected = array(40);
    view_->compute_residual_n(40, queries_.values.data(), found.data(), keys.data());
    own_.compute_residual_n(40, queries_.values.data(), expected.data(), keys.data());
    EXPECT_EQ(found, expected);
    std::vector<float> one(8);
    view_->compute_residual(queries_.row(39), one.data(), keys[39]);
    EXPECT_THAT(one, testing::ElementsAreArray(expected.data() + 39 * 8, 8));
}

TEST_P(FaissViewOfFile, SearchesAndGivesTheRowsItFinds) {
    std::vector<float> distances(40 * 5);
    std::vector<std::int64_t> labels(40 * 5);
    std::vector<float> found = array(40 * 5);
    view_->search_and_reconstruct(40, queries_.values.data(), 5, distances.data(), labels.data(), found.data());
    std::vector<float> expected = array(40 * 5);
    own_.reconstruct_batch(40 * 5, labels.data(), expected.data());
    EXPECT_EQ(found, expected);

    std::vector<float> all_distances(1501);
    std::vector<std::int64_t> all_labels(1501);
    std::vector<float> all = array(1501);
    view_->search_and_reconstruct(1, queries_.row(0), 1501, all_distances.data(), all_labels.data(), all.data());
    EXPECT_EQ(all_labels[1500], -1);
    EXPECT_TRUE(std::isnan(all[1500 * 8]));
    EXPECT_FALSE(std::isnan(all[1499 * 8]));
}

TEST_P(FaissViewOfFile, AssignsToTheNearest) {
    std::vector<std::int64_t> found(40 * 2);
    std::vector<std::int64_t> expected(40 * 2);
    view_->assign(40, queries_.values.data(), found.data(), 2);
    own_.assign(40, queries_.values.data(), expected.data(), 2);
    EXPECT_EQ(found, expected);
}

TEST_P(FaissViewOfFile, ComputesDistancesToSingleRows) {
    const std::unique_ptr<faiss::DistanceComputer> distance(view_->get_distance_computer());
    distance->set_query(queries_.row(3));
    std::vector<float> expected(1);
    std::int64_t label = -1;
    for (const std::int64_t row : {0, 7, 1499}) {
        faiss::IndexFlat one(8, own_.metric_type);
        one.add(1, rows_.row(row));
        one.search(1, queries_.row(3), 1, expected.data(), &label);
        EXPECT_NEAR((*distance)(row), expected[0], 1e-5);
        one.search(1, rows_.row(5), 1, expected.data(), &label);
        EXPECT_NEAR(distance->symmetric_dis(5, row), expected[0], 1e-5);
    }
}

// IndexRefine asks for its distances from within a parallel region.
TEST_P(FaissViewOfFile, ScoresAgainWhatACoarserIndexFound) {
    if (GetParam() == Metric::l1) GTEST_SKIP() << "IndexRefine knows inner product and L2";
    faiss::IndexFlat coarse(8, own_.metric_type);
    std::vector<float> blurred = rows_.values;
    for (float& value : blurred) value = std::round(value * 4) / 4;
    coarse.add(rows_.count, blurred.data());
    faiss::IndexRefine refined(&coarse, view_.get());
    refined.k_factor = 300;
    std::vector<float> distances(40 * 5);
    std::vector<std::int64_t> found(40 * 5);
    std::vector<std::int64_t> expected(40 * 5);
    refined.search(40, queries_.values.data(), 5, distances.data(), found.data());
    own_.search(40, queries_.values.data(), 5, distances.data(), expected.data());
    EXPECT_EQ(found, expected);
}

/// A call of a view that must be refused.
struct RefusedCall {
    std::string_view name;
    std::function<void(faiss::Index&)> run;
};

void expect_all_refused(faiss::Index& view, const std::vector<RefusedCall>& calls) {
    for (const RefusedCall& call : calls) {
        SCOPED_TRACE(call.name);
        EXPECT_THAT(message_of<faiss::FaissException>([&] { call.run(view); }), testing::StartsWith("gpushard: "));
    }
}

TEST_P(FaissViewOfFile, RefusesWhatItCannotDoOrWasAskedWrongly) {
    std::vector<float> values(8 * 2);
    std::vector<float> out(8 * 2);
    std::vector<std::int64_t> labels(8);
    const std::vector<std::int64_t> keys = {3, 1500};
    const std::vector<float> infinite(8, HUGE_VALF);
    faiss::SearchParameters parameters;
    expect_all_refused(
        *view_,
        {
            {"train", [&](faiss::Index& view) { view.train(1, values.data()); }},
            {"add", [&](faiss::Index& view) { view.add(1, values.data()); }},
            {"add_with_ids", [&](faiss::Index& view) { view.add_with_ids(1, values.data(), keys.data()); }},
            {"reset", [](faiss::Index& view) { view.reset(); }},
            {"remove_ids", [](faiss::Index& view) { view.remove_ids(faiss::IDSelectorRange(0, 1)); }},
            {"merge_from", [&](faiss::Index& view) { view.merge_from(own_); }},
            {"check_compatible_for_merge", [&](faiss::Index& view) { view.check_compatible_for_merge(own_); }},
            {"range_search", [&](faiss::Index& view) { view.range_search(1, values.data(), 1, nullptr); }},
            {"sa_code_size", [](faiss::Index& view) { view.sa_code_size(); }},
            {"sa_encode", [&](faiss::Index& view) { view.sa_encode(1, values.data(), nullptr); }},
            {"sa_decode", [&](faiss::Index& view) { view.sa_decode(1, nullptr, out.data()); }},
            {"search with parameters",
             [&](faiss::Index& view) { view.search(1, values.data(), 1, out.data(), labels.data(), &parameters); }},
            {"search, k 0", [&](faiss::Index& view) { view.search(1, values.data(), 0, out.data(), labels.data()); }},
            {"search, n < 0",
             [&](faiss::Index& view) { view.search(-1, values.data(), 1, out.data(), labels.data()); }},
            {"search, infinite",
             [&](faiss::Index& view) { view.search(1, infinite.data(), 1, out.data(), labels.data()); }},
            {"search, null", [&](faiss::Index& view) { view.search(1, nullptr, 1, out.data(), labels.data()); }},
            {"assign, null queries", [&](faiss::Index& view) { view.assign(1, nullptr, labels.data()); }},
            {"assign, null labels", [&](faiss::Index& view) { view.assign(1, values.data(), nullptr); }},
            {"assign, n < 0", [&](faiss::Index& view) { view.assign(-1, values.data(), labels.data()); }},
            {"reconstruct -1", [&](faiss::Index& view) { view.reconstruct(-1, out.data()); }},
            {"reconstruct above", [&](faiss::Index& view) { view.reconstruct(1500, out.data()); }},
            {"reconstruct, null", [](faiss::Index& view) { view.reconstruct(0, nullptr); }},
            {"reconstruct_n above", [&](faiss::Index& view) { view.reconstruct_n(0, 1501, out.data()); }},
            {"reconstruct_n < 0", [&](faiss::Index& view) { view.reconstruct_n(1, -1, out.data()); }},
            {"reconstruct_n, null", [](faiss::Index& view) { view.reconstruct_n(0, 1500, nullptr); }},
            {"reconstruct_batch above",
             [&](faiss::Index& view) { view.reconstruct_batch(2, keys.data(), out.data()); }},
            {"reconstruct_batch, null keys",
             [&](faiss::Index& view) { view.reconstruct_batch(2, nullptr, out.data()); }},
            {"reconstruct_batch, null rows",
             [&](faiss::Index& view) { view.reconstruct_batch(1, keys.data(), nullptr); }},
            {"search_and_reconstruct, null",
             [&](faiss::Index& view) {
                 view.search_and_reconstruct(1, values.data(), 1, out.data(), labels.data(), nullptr);
             }},
            {"compute_residual above",
             [&](faiss::Index& view) { view.compute_residual(values.data(), out.data(), 1500); }},
            {"compute_residual, null", [&](faiss::Index& view) { view.compute_residual(nullptr, out.data(), 1); }},
            {"compute_residual_n, null keys",
             [&](faiss::Index& view) { view.compute_residual_n(1, values.data(), out.data(), nullptr); }},
        });
    EXPECT_EQ(view_->ntotal, 1500);
}

/// Everything that reads rows, more of them than Faiss would read without threads.
std::vector<RefusedCall> reading_calls() {
    constexpr std::int64_t n = 1200;
    static std::vector<float> out(n * 8);
    static std::vector<std::int64_t> keys(n);
    static const std::vector<float> queries(n * 8);
    return {
        {"reconstruct", [](faiss::Index& view) { view.reconstruct(0, out.data()); }},
        {"reconstruct_n", [](faiss::Index& view) { view.reconstruct_n(0, n, out.data()); }},
        {"reconstruct_batch", [](faiss::Index& view) { view.reconstruct_batch(n, keys.data(), out.data()); }},
        {"compute_residual", [](faiss::Index& view) { view.compute_residual(queries.data(), out.data(), 0); }},
        {"compute_residual_n",
         [](faiss::Index& view) { view.compute_residual_n(n, queries.data(), out.data(), keys.data()); }},
        {"search_and_reconstruct",
         [](faiss::Index& view) {
             std::vector<float> distances(n);
             std::vector<std::int64_t> labels(n);
             view.search_and_reconstruct(n, queries.data(), 1, distances.data(), labels.data(), out.data());
         }},
        {"a distance",
         [](faiss::Index& view) {
             const std::unique_ptr<faiss::DistanceComputer> distance(view.get_distance_computer());
             distance->set_query(queries.data());
             (*distance)(0);
         }},
    };
}

TEST_P(FaissViewOfFile, RefusesToReadAFileThatChanged) {
    for (const RefusedCall& call : reading_calls()) EXPECT_NO_THROW(call.run(*view_)) << call.name;
    std::filesystem::resize_file(file_, 1000);
    expect_all_refused(*view_, reading_calls());
    try {
        reading_calls().front().run(*view_);
    } catch (const faiss::FaissException& error) {
        EXPECT_THROW(std::rethrow_if_nested(error), BadFile);
    }
}

TEST(FromMemory, HasNoRowsToReadOnceItIsLoaded) {
    faiss::IndexFlatL2 source(8);
    const Rows rows = uniform_rows(1500, 8, 1);
    source.add(rows.count, rows.values.data());
    const std::unique_ptr<faiss::Index> view = as_faiss_index(load(source, on_host));
    expect_all_refused(*view, reading_calls());
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
