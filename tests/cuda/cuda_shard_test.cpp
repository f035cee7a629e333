// What a shard on a card takes, copies and calls, counted by simulated cards.

#include <algorithm>
#include <cuda_runtime_api.h>
#include <set>
#include <vector>

#include <faiss/gpu/StandardGpuResources.h>
#include <gmock/gmock.h>

#include <gpushard/cuda/cuda_device.hpp>
#include <gpushard/cuda/device_search.hpp>

#include "cuda/card_rig.hpp"
#include "cuda/faiss_gpu_compat.hpp"
#include "support/errors.hpp"
#include "support/rows_feed.hpp"

namespace gpushard::test {
namespace {

LoadOptions on(const std::string& devices, Precision precision = Precision::f32) {
    LoadOptions options;
    options.devices = devices;
    options.plan.precision = precision == Precision::f32 ? PrecisionChoice::f32 : PrecisionChoice::f16;
    options.plan.reserve_bytes = 0;
    return options;
}

std::uint64_t matrix_products() {
    return card_calls("cublasGemmEx") + card_calls("cublasSgemmEx") + card_calls("cublasGemmStridedBatchedEx");
}

/// The index of a file on the first card, of which all is free, on resources of the caller.
ShardedIndex load_onto(const std::string& file, const CudaDeviceOptions& options) {
    DeviceInfo info;
    info.spec = "cuda:0";
    info.kind = DeviceKind::cuda;
    info.total_bytes = info.free_bytes = 1_GiB;
    const PlacementPlan plan = plan_placement(inspect_index(*open_file(file)), {info});
    std::vector<std::shared_ptr<Device>> devices{make_cuda_device(info, options)};
    return load(plan, open_file(file), std::move(devices));
}

using CudaShards = SimulatedRig;

TEST_F(CudaShards, CopyExactlyWhatTheyKeepInAFewAllocations) {
    for (const Metric metric : {Metric::inner_product, Metric::l2}) {
        const std::string file = write_index(50'000, 96, metric);
        for (const Precision precision : {Precision::f32, Precision::f16}) {
            SCOPED_TRACE(to_string(metric) + " " + std::string(to_string(precision)));
            set_simulated_cards("4x1GiB");
            const ShardedIndex index = load(file, on("cuda:all", precision));
            ASSERT_EQ(index.plan().used_devices(), 4);
            for (int card = 0; card < 4; ++card) {
                const auto i = static_cast<std::size_t>(card);
                const ShardMemory& planned = index.plan().devices[i].memory;
                const Bytes copied = card_bytes_copied(CopyDirection::to_card, card);
                EXPECT_LE(copied, planned.resident);
                EXPECT_GE(copied + 512, planned.resident);  // but for the rounding of two buffers
                EXPECT_EQ(copied, index.load_report().devices[i].copied_bytes);
                EXPECT_LE(card_calls("cudaMalloc", card), 5u);
                EXPECT_EQ(card_bytes(card), planned.resident + planned.fixed);
            }
            expect_planned_peaks(index, 0.03);
        }
    }
}

TEST_F(CudaShards, SearchWithoutAllocatingOnTheCard) {
    const std::string file = write_index(60'000, 64, Metric::l2);
    for (const Precision precision : {Precision::f32, Precision::f16}) {
        set_simulated_cards("2x1GiB");
        LoadOptions options = on("cuda:all", precision);
        options.plan.max_batch = 4096;
        options.plan.k = 1000;
        const ShardedIndex index = load(file, options);
        reset_card_counts();
        reset_card_peaks();
        for (const std::int64_t nq : {1, 16, 256, 512, 4096}) {
            for (const std::int64_t k : {1, 10, 100, 1000}) {
                index.search(nq, uniform_rows(nq, 64, 2).values.data(), k);
            }
        }
        EXPECT_EQ(card_calls("cudaMalloc"), 0u);
        for (int card = 0; card < 2; ++card) {
            EXPECT_LE(card_peak_bytes(card), index.plan().devices[static_cast<std::size_t>(card)].memory.search_peak());
        }
        const auto pinned = card_calls("cudaHostAlloc");
        index.search(4096, uniform_rows(4096, 64, 2).values.data(), 1000);
        EXPECT_EQ(card_calls("cudaHostAlloc"), pinned)
            << "the second of two equal searches allocates page-locked memory";
    }
}

TEST_F(CudaShards, AreReadOncePer512Queries) {
    set_simulated_cards("4GiB");
    const std::string file = write_index(300'000, 64);
    LoadOptions options = on("cuda:all", Precision::f16);
    options.plan.max_batch = 4096;
    const ShardedIndex index = load(file, options);
    const SearchTile tile = index.plan().devices.front().tile;
    const auto row_tiles = static_cast<std::uint64_t>((index.count() + tile.rows - 1) / tile.rows);
    for (const std::int64_t nq : {1, 16, 512, 513, 4096}) {
        reset_card_counts();
        index.search(nq, uniform_rows(nq, 64, 2).values.data(), 10);
        // Every product of matrices reads the rows of one tile once.
        EXPECT_EQ(matrix_products(), row_tiles * static_cast<std::uint64_t>((nq + 511) / 512)) << nq;
    }
}

TEST_F(CudaShards, SharingOneCardKeepWithinTheirBudgets) {
    set_simulated_cards("4GiB");
    const std::string file = write_index(40'000, 64);
    const ShardedIndex index = load(file, on("cuda:0=768MiB*4"));
    EXPECT_EQ(index.plan().used_devices(), 4);
    Bytes planned = 0;
    for (const ShardPlacement& placement : index.plan().devices) {
        EXPECT_LE(placement.memory.peak(), 768_MiB);
        planned += placement.memory.load_peak();
    }
    EXPECT_EQ(card_bytes(0), planned);
    index.search(100, uniform_rows(100, 64, 2).values.data(), 10);
    EXPECT_EQ(card_peak_bytes(0), planned);
}

TEST_F(CudaShards, RefuseAKThatFaissWouldAbortOn) {
    const std::string file = write_index(10'000, 16);
    const ShardedIndex index = load(file, on("cuda:0"));
    EXPECT_THAT(message_of<InvalidArgument>(
                    [&] { index.search(1, uniform_rows(1, 16, 2).values.data(), faiss_compat::most_neighbors + 1); }),
                testing::HasSubstr("expected at most"));
    LoadOptions options = on("cuda:0");
    options.plan.k = faiss_compat::most_neighbors + 1;
    EXPECT_THAT(message_of<InvalidArgument>([&] { plan(file, options); }), testing::HasSubstr("expected at most"));
    options.plan.k = faiss_compat::most_neighbors;
    EXPECT_NO_THROW(load(file, options).search(1, uniform_rows(1, 16, 2).values.data(), options.plan.k));
}

TEST_F(CudaShards, HoldBfloat16WhereFaissSearchesIt) {
    const std::string file = write_index(10'000, 16);
    LoadOptions options = on("cuda:0");
    options.plan.precision = PrecisionChoice::bf16;
    if (!faiss_compat::searches_bfloat16) {
        EXPECT_THAT(message_of<InvalidArgument>([&] { plan(file, options); }), testing::HasSubstr("bfloat16"));
        return;
    }
    const ShardedIndex index = load(file, options);
    EXPECT_EQ(card_bytes_copied(CopyDirection::to_card, 0), 10'000u * 16 * 2);
    index.search(100, uniform_rows(100, 16, 2).values.data(), 10);
}

TEST_F(CudaShards, TakeQueriesAndGiveAnswersInDeviceMemory) {
    const std::string file = write_index(10'000, 16);
    const ShardedIndex index = load(file, on("cuda:0,cuda:1"));
    const Rows queries = uniform_rows(20, 16, 2);
    float* on_card = nullptr;
    ASSERT_EQ(cudaMalloc(reinterpret_cast<void**>(&on_card), queries.values.size() * sizeof(float)), cudaSuccess);
    ASSERT_EQ(cudaMemcpy(on_card, queries.values.data(), queries.values.size() * sizeof(float), cudaMemcpyHostToDevice),
              cudaSuccess);
    std::vector<float> distances(200);
    std::vector<std::int64_t> labels(200);
    search(index, 20, on_card, 10, distances.data(), labels.data(), nullptr);
    const SearchResult expected = index.search(20, queries.values.data(), 10);
    EXPECT_EQ(labels, expected.ids);
    EXPECT_EQ(distances, expected.distances);
    EXPECT_EQ(cudaFree(on_card), cudaSuccess);
}

TEST_F(CudaShards, WorkOnResourcesAndAStreamOfTheCaller) {
    cudaStream_t stream = nullptr;
    ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
    {
        faiss::gpu::StandardGpuResources resources;
        resources.setTempMemory(64 << 20);
        const ShardedIndex index =
            load_onto(write_index(10'000, 16), {.resources = resources.getResources(), .stream = stream});
        EXPECT_EQ(resources.getResources()->getDefaultStream(0), stream);
        index.search(100, uniform_rows(100, 16, 2).values.data(), 10);
        const Bytes resident = index.plan().devices.front().memory.resident;
        EXPECT_GE(card_bytes(0), resident + (64 << 20));
        EXPECT_EQ(index.load_report().devices.front().measured_resident_bytes, resident);
    }
    EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
}

TEST_F(CudaShards, SearchInSmallerTilesWhereTheCallersResourcesRunShort) {
    faiss::gpu::StandardGpuResources resources;
    resources.setTempMemory(0);
    const ShardedIndex index = load_onto(write_index(100'000, 16), {.resources = resources.getResources()});
    const Rows queries = uniform_rows(256, 16, 2);
    const auto search_counted = [&] {
        reset_card_counts();
        index.search(256, queries.values.data(), 10);
        return matrix_products();
    };

    reset_card_peaks();
    const std::uint64_t products = search_counted();
    const Bytes held = card_bytes(0);
    const Bytes scratch = card_peak_bytes(0) - held;
    const Bytes taken = take_card_memory(0, 1_GiB - held - scratch * 3 / 4);
    EXPECT_GE(search_counted(), 2 * products);
    EXPECT_EQ(card_bytes(0), held);

    take_card_memory(0, scratch * 3 / 4);
    EXPECT_THAT(message_of<InsufficientMemory>(search_counted), testing::HasSubstr("cuda:0: no memory left"));
    EXPECT_EQ(card_bytes(0), held);

    give_card_memory(0, taken + scratch * 3 / 4);
    EXPECT_EQ(search_counted(), products);
}

TEST_F(CudaShards, LeaveNothingOpenBehind) {
    const std::string file = write_index(10'000, 16);
    const auto open_before = open_cuda_objects();
    {
        const ShardedIndex index = load(file, on("cuda:all"));
        index.search(100, uniform_rows(100, 16, 2).values.data(), 10);
    }
    EXPECT_EQ(open_cuda_objects(), open_before);
    EXPECT_EQ(pinned_bytes(), 0u);
}

}  // namespace
}  // namespace gpushard::test
