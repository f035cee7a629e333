#pragma once

#include <vector>

#include <gpushard/load.hpp>

namespace gpushard {

/// Where one shard stands.
struct ShardProgress {
    std::string spec;
    Bytes loaded_bytes = 0;
    Bytes total_bytes = 0;
    double seconds = 0;  ///< since the load began, or until this shard was done
};

/// Sums up the shards of a load `seconds` after it began, with rates and what is left by them. The load is done when
/// its slowest shard is.
LoadProgress load_progress(const std::vector<ShardProgress>& shards, double seconds);

}  // namespace gpushard
