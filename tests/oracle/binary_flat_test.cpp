// faiss::gpu::GpuIndexBinaryFlat.

#include <algorithm>
#include <random>
#include <vector>

#include <faiss/IndexBinaryFlat.h>
#include <faiss/gpu/GpuIndexBinaryFlat.h>

#include "cuda/faiss_gpu_compat.hpp"
#include "on_cards.hpp"

namespace gpushard::test {
namespace {

std::vector<std::uint8_t> random_bytes(std::size_t count, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<std::uint8_t> bytes(count);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    return bytes;
}

/// Answers in whole numbers: distances must be equal, and each id at its distance.
void expect_same(const faiss::IndexBinary& on_card, const faiss::IndexBinaryFlat& cpu,
                 const std::vector<std::uint8_t>& queries, std::int64_t k) {
    const auto code = static_cast<std::size_t>(cpu.d / 8);
    const std::size_t nq = queries.size() / code;
    const std::size_t size = nq * static_cast<std::size_t>(k);
    std::vector<std::int32_t> ours(size);
    std::vector<std::int32_t> expected(size);
    std::vector<std::int64_t> ids(size);
    std::vector<std::int64_t> expected_ids(size);
    on_card.search(static_cast<std::int64_t>(nq), queries.data(), k, ours.data(), ids.data());
    cpu.search(static_cast<std::int64_t>(nq), queries.data(), k, expected.data(), expected_ids.data());
    for (std::size_t i = 0; i < size; ++i) {
        ASSERT_EQ(ids[i] < 0, expected_ids[i] < 0) << "place " << i;
        if (ids[i] < 0) continue;
        ASSERT_EQ(ours[i], expected[i]) << "place " << i;
        ASSERT_LT(ids[i], cpu.ntotal);
        const std::uint8_t* row = cpu.xb.data() + static_cast<std::size_t>(ids[i]) * code;
        const std::uint8_t* query = queries.data() + i / static_cast<std::size_t>(k) * code;
        int distance = 0;
        for (std::size_t byte = 0; byte < code; ++byte) distance += __builtin_popcount(row[byte] ^ query[byte]);
        ASSERT_EQ(distance, ours[i]) << "place " << i << ", id " << ids[i];
    }
    for (std::size_t query = 0; query < nq; ++query) {
        const auto first = ids.begin() + static_cast<std::ptrdiff_t>(query) * k;
        std::vector<std::int64_t> given(first, std::find(first, first + k, -1));
        std::sort(given.begin(), given.end());
        ASSERT_EQ(std::adjacent_find(given.begin(), given.end()), given.end()) << "query " << query << ": an id twice";
    }
}

class BinaryFlat : public OnCards, public testing::WithParamInterface<int> {};

TEST_P(BinaryFlat, AnswersAsTheCpuDoes) {
    const int dim = GetParam();
    const auto code = static_cast<std::size_t>(dim / 8);
    faiss::gpu::GpuIndexBinaryFlatConfig config;
    faiss_compat::without_cuvs(config);
    faiss::gpu::GpuIndexBinaryFlat index(&resources(), dim, config);
    faiss::IndexBinaryFlat cpu(dim);
    const std::vector<std::uint8_t> rows = random_bytes(700 * code, 1);
    const std::vector<std::uint8_t> queries = random_bytes(9 * code, 2);
    for (const auto& [first, count] : {std::pair{0, 300}, std::pair{300, 400}}) {
        index.add(count, rows.data() + static_cast<std::size_t>(first) * code);
        cpu.add(count, rows.data() + static_cast<std::size_t>(first) * code);
    }
    for (const std::int64_t k : {1, 10, 64, 100}) expect_same(index, cpu, queries, k);
    std::vector<std::uint8_t> row(code);
    index.reconstruct(555, row.data());
    EXPECT_TRUE(std::equal(row.begin(), row.end(), rows.begin() + static_cast<std::ptrdiff_t>(555 * code)));

    faiss::IndexBinaryFlat copy(dim);
    index.copyTo(&copy);
    EXPECT_TRUE(std::equal(rows.begin(), rows.end(), copy.xb.data()));
    faiss::gpu::GpuIndexBinaryFlat again(&resources(), &copy, config);
    expect_same(again, cpu, queries, 3);
    index.reset();
    EXPECT_EQ(index.ntotal, 0);
}

TEST_P(BinaryFlat, AnswersWithEveryWidthOfSelection) {
    const int dim = GetParam();
    const auto code = static_cast<std::size_t>(dim / 8);
    faiss::gpu::GpuIndexBinaryFlatConfig config;
    faiss_compat::without_cuvs(config);
    faiss::gpu::GpuIndexBinaryFlat index(&resources(), dim, config);
    faiss::IndexBinaryFlat cpu(dim);
    const std::vector<std::uint8_t> rows = random_bytes(2200 * code, 3);
    index.add(2200, rows.data());
    cpu.add(2200, rows.data());
    for (const std::int64_t k : {32, 200, 512, 1024, static_cast<int>(faiss_compat::most_neighbors)}) {
        expect_same(index, cpu, random_bytes(code, 4), k);
    }
}

// Words of 32 bits up to 256; bytes up to 128 bits; any size.
INSTANTIATE_TEST_SUITE_P(, BinaryFlat, testing::Values(8, 32, 40, 256, 264, 320));

}  // namespace
}  // namespace gpushard::test
