#include "load/load_progress.hpp"

#include <algorithm>

namespace gpushard {
namespace {

double rate(Bytes bytes, double seconds) { return seconds > 0 ? static_cast<double>(bytes) / seconds : 0; }

double seconds_for(Bytes bytes, double bytes_per_second) {
    return bytes_per_second > 0 ? static_cast<double>(bytes) / bytes_per_second : 0;
}

}  // namespace

LoadProgress load_progress(const std::vector<ShardProgress>& shards, double seconds) {
    LoadProgress progress;
    progress.seconds = seconds;
    for (const ShardProgress& shard : shards) {
        LoadProgress::PerDevice device{
            .spec = shard.spec, .loaded_bytes = shard.loaded_bytes, .total_bytes = shard.total_bytes};
        device.bytes_per_second = rate(shard.loaded_bytes, shard.seconds);
        device.seconds_left = seconds_for(shard.total_bytes - shard.loaded_bytes, device.bytes_per_second);
        progress.loaded_bytes += device.loaded_bytes;
        progress.total_bytes += device.total_bytes;
        progress.seconds_left = std::max(progress.seconds_left, device.seconds_left);
        progress.devices.push_back(std::move(device));
    }
    progress.bytes_per_second = rate(progress.loaded_bytes, seconds);
    return progress;
}

}  // namespace gpushard
