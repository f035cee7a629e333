#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gpushard/load.hpp>

#include "bench/machine_limits.hpp"
#include "bench/python_faiss.hpp"

namespace gpushard::bench {

/// How far a row that was measured several times can be trusted. See sample_statistics.hpp and usage_meter.hpp.
struct Trust {
    double ours_spread = 0;   ///< relative_spread of the figures of each side; NaN where they say nothing
    double faiss_spread = 0;  ///< NaN also where Faiss has no figures
    bool undecided = true;    ///< one of them is above a tenth, or not known
    double cpu_share = 0;     ///< of both sides together, while the row was measured
    double steal = 0;
};

/// One figure of gpushard beside the same figure of Faiss. `ratio` is above 1 where gpushard is better.
struct Comparison {
    std::string what;  ///< load_seconds, load_peak_rss, qps_nq1, ..., merge, cuda_mallocs, ...
    std::string unit;  ///< "s", "bytes", "1/s"; empty for a count
    double ours = 0;
    double faiss = 0;  ///< NaN where Faiss failed or is not compared with; `ratio` is NaN where it failed
    double ratio = 0;
    std::string faiss_failure{};  ///< what it failed with
    /// The least that any way of searching needs, where there is such a figure.
    std::optional<double> floor{};
    std::optional<Trust> trust{};  ///< of all but counts
    /// Of searches on the host, ours: the part of the machine's peak that the 2 x nq x rows x dim operations of a batch
    /// are, and the part of its bandwidth if the rows as held are read once for a batch, which at one query they are.
    std::optional<double> of_fma_peak{};
    std::optional<double> of_read_bandwidth{};
    std::optional<double> sequential{};  ///< of callers32, ...: ours, what `ratio` compares with
};

struct CompareOptions {
    LoadOptions load;
    /// Times each figure is taken, ours and Faiss's in turn; medians are reported.
    int repetitions = 7;
    std::vector<std::int64_t> batches = {1, 4, 16, 64, 256, 1024};
    bool only_searches = false;  ///< no rows of loads and of the merge
    int callers = 0;             ///< threads of the row of callers; 0: no such row
    std::string python;          ///< the interpreter whose Faiss is searched beside ours; empty: the linked Faiss
    /// Told what is measured next.
    std::function<void(const std::string& step)> on_step;
};

struct ComparisonReport {
    std::vector<Comparison> rows;
    std::optional<MachineLimits> machine;  ///< where something was measured on the host
    std::optional<PythonVersion> against;  ///< where that was asked for
};

/// Loads and searches one index file with gpushard and with Faiss, in this process, on the same devices. `queries` is
/// (query_count, dim), repeated where a batch is larger.
///
/// On the host, Faiss's way is `read_index`, then `IndexShards` over the same rows a shard, threaded or serial,
/// whichever is faster; it holds float32 whatever precision is planned. Needs host memory for four times the index.
/// With CompareOptions::python searches are compared with a whole index that the Faiss of that interpreter has read,
/// with as many threads. The sides take turns, and turns at being first. The limits of the machine are measured before
/// everything else and after it, and the larger count. The row callers32, ... is of one query each from so many threads
/// at once; `ratio` compares it with the same queries one after the other, and Faiss has no part in it.
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
/// Throws what `load` throws, what PythonFaiss throws, and InvalidArgument for a plan that mixes cards and the host,
/// and for callers and Python's Faiss on cards.
ComparisonReport compare_with_faiss(const std::vector<std::filesystem::path>& files, const std::vector<float>& queries,
                                    std::int64_t query_count, const CompareOptions& options);

}  // namespace gpushard::bench
