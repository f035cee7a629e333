// 20,000 embeddings of package descriptions and 600 questions, with the answers Faiss 1.15 gave; without that data, a
// generated set of the same shape answered by the Faiss at hand.

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/index_io.h>
#include <gtest/gtest.h>

#include <gpushard/faiss/faiss_index.hpp>
#include <gpushard/load.hpp>

#include "shard/row_kernels.hpp"
#include "support/index_writer.hpp"
#include "support/same_answers.hpp"
#include "support/shared_data.hpp"
#include "support/temp_dir.hpp"

namespace gpushard::test {
namespace {

constexpr std::int64_t k = 100;

/// The values of a .npy file, whose header ends where its length says.
template <typename Value>
std::vector<Value> read_npy(const std::filesystem::path& path) {
    const std::string bytes = read_file(path);
    const std::size_t header = 10 + static_cast<unsigned char>(bytes[8]) + 256 * static_cast<unsigned char>(bytes[9]);
    std::vector<Value> values((bytes.size() - header) / sizeof(Value));
    std::memcpy(values.data(), bytes.data() + header, values.size() * sizeof(Value));
    return values;
}

class RealEmbeddings : public testing::TestWithParam<std::string> {
protected:
    static void SetUpTestSuite() { data_ = std::make_unique<Data>(); }
    static void TearDownTestSuite() { data_.reset(); }

    struct Data {
        Data() {
            const std::filesystem::path shared = shared_data();
            if (!shared.empty()) {
                file = shared / "debian_e5_flat.index";
                const std::unique_ptr<faiss::Index> index(faiss::read_index(file.c_str()));
                const auto& flat = dynamic_cast<const faiss::IndexFlat&>(*index);
                rows = {flat.ntotal, flat.d, {flat.get_xb(), flat.get_xb() + flat.ntotal * flat.d}};
                queries = read_npy<float>(shared / "queries.npy");
                ids = read_npy<std::int64_t>(shared / "exact_ids.npy");
                distances = read_npy<float>(shared / "exact_scores.npy");
            } else {
                file = folder / "generated.index";
                rows = uniform_rows(20000, 384, 1);
                write_file(file, flat_index(rows, Metric::inner_product));
                queries = uniform_rows(600, 384, 2).values;
                faiss::IndexFlatIP exact(384);
                exact.add(rows.count, rows.values.data());
                distances.resize(600 * k);
                ids.resize(600 * k);
                exact.search(600, queries.data(), k, distances.data(), ids.data());
            }
            nq = static_cast<std::int64_t>(queries.size()) / rows.dim;
        }

        SearchCase search_case(const std::vector<float>& vectors) const {
            return {Metric::inner_product, 0, rows.dim, rows.count, vectors.data(), nq, queries.data(), k};
        }

        TempDir folder;
        std::filesystem::path file;
        Rows rows;
        std::int64_t nq = 0;
        std::vector<float> queries;
        std::vector<std::int64_t> ids;
        std::vector<float> distances;
    };

    static LoadOptions options(PrecisionChoice precision) {
        LoadOptions options;
        options.devices = GetParam();
        options.plan.k = k;
        options.plan.precision = precision;
        return options;
    }

    static std::unique_ptr<Data> data_;
};

std::unique_ptr<RealEmbeddings::Data> RealEmbeddings::data_;

TEST_P(RealEmbeddings, GiveFaissAnswersInFloat32) {
    const ShardedIndex index = load(data_->file, options(PrecisionChoice::stored));
    const SearchResult found = index.search(data_->nq, data_->queries.data(), k);
    const SearchCase search = data_->search_case(data_->rows.values);
    EXPECT_EQ(difference(search, {found.distances.data(), found.ids.data()},
                         {data_->distances.data(), data_->ids.data()}, 1e-5),
              "");

    const std::unique_ptr<faiss::Index> view = as_faiss_index(index);
    std::vector<float> distances(found.distances.size());
    std::vector<std::int64_t> ids(found.ids.size());
    view->search(data_->nq, data_->queries.data(), k, distances.data(), ids.data());
    EXPECT_EQ(ids, found.ids);
    EXPECT_EQ(distances, found.distances);

    EXPECT_EQ(verify(index, 50).failures, std::vector<std::string>{});
}

TEST_P(RealEmbeddings, GiveInFloat16TheAnswersOfHalvedRows) {
    const ShardedIndex index = load(data_->file, options(PrecisionChoice::f16));
    const SearchResult found = index.search(data_->nq, data_->queries.data(), k);
    EXPECT_GE(recall(found.ids.data(), data_->ids.data(), data_->nq, k, 10), 0.998);

    std::vector<std::uint16_t> halves(data_->rows.values.size());
    std::vector<float> rounded(halves.size());
    round_rows_to_f16(data_->rows.values.data(), data_->rows.count, data_->rows.dim, halves.data(), nullptr);
    widen_halves(halves.data(), static_cast<std::int64_t>(halves.size()), rounded.data());
    faiss::IndexFlatIP reference(data_->rows.dim);
    reference.add(data_->rows.count, rounded.data());
    std::vector<float> distances(found.distances.size());
    std::vector<std::int64_t> ids(found.ids.size());
    reference.search(data_->nq, data_->queries.data(), k, distances.data(), ids.data());
    EXPECT_EQ(difference(data_->search_case(rounded), {found.distances.data(), found.ids.data()},
                         {distances.data(), ids.data()}, 1e-5),
              "");
    EXPECT_EQ(verify(index, 50).failures, std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(Rigs, RealEmbeddings,
                         testing::Values("cpu=64MiB", "cpu=8MiB,cpu=20MiB,cpu=14MiB",
                                         "cpu=6MiB,cpu=12MiB,cpu=8MiB,cpu=7MiB,cpu=9MiB,cpu=16MiB,cpu=10MiB"),
                         [](const auto& rig) { return "Rig" + std::to_string(rig.index); });

}  // namespace
}  // namespace gpushard::test
