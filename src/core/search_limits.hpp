#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <gpushard/memory_model.hpp>

namespace gpushard {

/// The most neighbours that a device of this kind selects; nothing where there is no limit. On cards it is that of
/// Faiss's selection kernels since 1.8 (gpu/utils/DeviceDefs.cuh); 1.7 selects one less.
std::optional<std::int64_t> most_neighbors(DeviceKind kind);

/// Throws InvalidArgument where `device`, with `rows` rows, cannot select the k best of them.
void check_neighbors(DeviceKind kind, std::int64_t k, std::int64_t rows, const std::string& device);

/// The tile in which a shard that was planned with `tile` and granted `granted` bytes in all searches for k neighbours:
/// the planned one up to the planned k, a smaller one beyond. Throws InsufficientMemory where none fits.
SearchTile tile_for_neighbors(const ShardWorkload& planned, std::int64_t rows, SearchTile tile, Bytes granted,
                              std::int64_t k, const std::string& device);

}  // namespace gpushard
