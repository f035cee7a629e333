// Writes an index with Faiss, loads it with gpushard over two logical devices, and checks an answer.

#include <cstdio>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/index_io.h>

#include <gpushard/gpushard.hpp>

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: consumer INDEX_TO_WRITE\n");
        return 2;
    }
    constexpr int dim = 4;
    constexpr int count = 100;
    std::vector<float> rows;
    for (int i = 0; i < count; ++i) rows.insert(rows.end(), {static_cast<float>(i), 0.0f, 1.0f, 2.0f});
    faiss::IndexFlatL2 written(dim);
    written.add(count, rows.data());
    faiss::write_index(&written, argv[1]);

    gpushard::LoadOptions options;
    options.devices = "cpu=64MiB*2";
    options.plan.min_devices = 2;
    const gpushard::ShardedIndex index = gpushard::load(argv[1], options);
    const std::vector<float> query(rows.begin() + 42 * dim, rows.begin() + 43 * dim);
    const std::vector<gpushard::Neighbor> answer = index.search(query, 3);
    const std::vector<gpushard::Neighbor> expected = {{42, 0.0f}, {41, 1.0f}, {43, 1.0f}};
    std::printf("gpushard %s with Faiss %s: nearest to row 42 is row %lld\n", gpushard::version().c_str(),
                gpushard::faiss_version().c_str(), answer.empty() ? -1LL : static_cast<long long>(answer[0].id));
    return answer == expected && index.plan().used_devices() == 2 ? 0 : 1;
}
