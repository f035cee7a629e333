#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gpushard/load.hpp>

namespace gpushard::bench {

/// One figure of gpushard beside the same figure of Faiss. `ratio` is above 1 where gpushard is better.
struct Comparison {
    std::string what;  ///< load_seconds, load_peak_rss, qps_nq1, ..., merge, cuda_mallocs, ...
    std::string unit;  ///< "s", "bytes", "1/s"; empty for a count
    double ours = 0;
    double faiss = 0;  ///< NaN where Faiss failed, and `ratio` with it
    double ratio = 0;
    std::string faiss_failure{};  ///< what it failed with
    /// The least that any way of searching needs, where there is such a figure.
    std::optional<double> floor{};
};

struct CompareOptions {
    LoadOptions load;
    /// Times each figure is taken, ours and Faiss's in turn; medians are reported.
    int repetitions = 5;
    std::vector<std::int64_t> batches = {1, 16, 256, 4096};
    /// Told what is measured next.
    std::function<void(const std::string& step)> on_step;
};

/// Loads and searches one index file with gpushard and with Faiss, in this process, on the same devices. `queries` is
/// (query_count, dim), repeated where a batch is larger.
///
/// On the host, Faiss's way is `read_index`, then `IndexShards` over the same rows a shard, threaded or serial,
/// whichever is faster; it holds float32 whatever precision is planned. Needs host memory for four times the index.
///
/// On cards it is `read_index`, then `index_cpu_to_gpu` onto one card or `index_cpu_to_gpu_multiple` in shards onto
/// several; it holds float16 where less than float32 is planned. First one side is measured, then the other, so that
/// each has the cards to itself; where Faiss fails, the rows say so. Where the CUDA runtime counts its calls there are
/// rows of counts instead of speeds: `cuda_mallocs` (of a load), `copied_per_resident` (bytes copied to and within the
/// cards by a load, for each byte of vectors as held), `card_peak_bytes` (of the fullest card, of a load) and
/// `launches_nq1`, ... (kernels of one search). Where it also computes, `bytes_loaded_nq1`, ... and `bytes_stored_nq1`,
/// ... are the global memory that kernels and matrix products of one search ask for, on all cards; the floor of loads
/// is the vectors as held, each byte once.
///
/// Throws what `load` throws, and InvalidArgument for a plan that mixes cards and the host.
std::vector<Comparison> compare_with_faiss(const std::vector<std::filesystem::path>& files,
                                           const std::vector<float>& queries, std::int64_t query_count,
                                           const CompareOptions& options);

}  // namespace gpushard::bench
