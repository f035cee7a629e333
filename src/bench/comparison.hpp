#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <gpushard/load.hpp>

namespace gpushard::bench {

/// One figure of gpushard beside the same figure of Faiss. `ratio` is above 1 where gpushard is better.
struct Comparison {
    std::string what;  ///< load_seconds, load_peak_rss, qps_nq1, ..., merge
    std::string unit;  ///< "s", "bytes", "1/s"
    double ours = 0;
    double faiss = 0;
    double ratio = 0;
};

struct CompareOptions {
    LoadOptions load;
    /// Times each figure is taken, ours and Faiss's in turn; medians are reported.
    int repetitions = 5;
    std::vector<std::int64_t> batches = {1, 16, 256, 4096};
    /// Told what is measured next.
    std::function<void(const std::string& step)> on_step;
};

/// Loads and searches one index file with gpushard and with Faiss (`read_index`, then `IndexShards` over the same rows
/// a shard, threaded or serial, whichever is faster), in this process, on the same devices; Faiss holds float32
/// whatever precision is planned. `queries` is (query_count, dim), repeated where a batch is larger. Needs host memory
/// for four times the index. Throws what `load` throws, and InvalidArgument for a plan with devices that are not the
/// host.
std::vector<Comparison> compare_with_faiss(const std::vector<std::filesystem::path>& files,
                                           const std::vector<float>& queries, std::int64_t query_count,
                                           const CompareOptions& options);

}  // namespace gpushard::bench
