#pragma once

#include <string>
#include <vector>

#include <gpushard/bytes.hpp>
#include <gpushard/device_info.hpp>
#include <gpushard/index_profile.hpp>

namespace gpushard {

/// What stock Faiss (`index_cpu_to_gpu_multiple` with shard = true, 1.5 GiB temp stack, no cuVS) would do with the
/// same index on the same cards.
struct StockFaissOutcome {
    enum class Kind {
        not_applicable,  ///< the rig has no card: Faiss would not use a GPU
        loads,
        fails,
    };
    Kind outcome = Kind::not_applicable;
    std::string path;               ///< "copyFrom" on one card, "paged add, equal shards" on several
    std::vector<Bytes> peak_bytes;  ///< highest total of each card, context excluded; up to the failure where it fails
    std::vector<Bytes> held_bytes;  ///< what stays allocated afterwards; after a failure: what the cloner leaks
    Bytes host_bytes = 0;           ///< `read_index` copies the whole file to host memory first
    std::string message;            ///< one line; the exception's text where it fails
    Bytes failed_request_bytes = 0;
    bool operator==(const StockFaissOutcome&) const = default;
};

std::string_view to_string(StockFaissOutcome::Kind outcome);  ///< "not_applicable", "loads", "fails"

/// Replays the allocations of Faiss's cloners (1.7.3 to 1.15 make the same) against each card's free memory less its
/// context. Devices that are not cards are left out, as Faiss would. Pure.
StockFaissOutcome simulate_stock_faiss(const IndexProfile& index, Precision precision,
                                       const std::vector<DeviceInfo>& devices);

}  // namespace gpushard
