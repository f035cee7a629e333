#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <vector>

#include <gpushard/byte_source.hpp>
#include <gpushard/index_profile.hpp>
#include <gpushard/placement_plan.hpp>

namespace gpushard {

/// The rows that a centre is the mean of: runs of neighbours, for each of which a disk seeks once, in the middles of
/// equal parts of the index. In order, and no row twice.
std::vector<RowRange> centre_sample_runs(std::int64_t count);

/// What a sample of the rows says of all.
struct CentreSample {
    std::vector<float> centre;  ///< zeros where no row is finite
    std::int64_t rows = 0;      ///< that it is the mean of: those without a NaN or an infinity
    bool is_far = false;        ///< norms are so large against distances that float32 makes of norms what is no use
};

/// Reads the sample through a buffer of `buffer_bytes`, at least a row. Throws Cancelled when a stop is requested, and
/// what reading throws.
CentreSample read_centre_sample(const ByteSource& source, const IndexProfile& index, Bytes buffer_bytes,
                                const std::stop_token& stop);

/// What the shards of one load are held less.
struct LoadCentre {
    std::shared_ptr<const std::vector<float>> centre;  ///< null where no shard is centred
    std::int64_t sample_rows = 0;                      ///< 0 where no shard asked for a sample
    bool is_far = false;

    /// Null for a shard that holds its rows as they are.
    std::shared_ptr<const std::vector<float>> of(const PlacementPlan& plan, const ShardPlacement& placement) const;
};

/// One for all shards of the plan, the same however often it is asked for: a sample is read where a shard may need it.
/// Takes no more host memory than the staging of the plan's blocks. Throws as read_centre_sample.
LoadCentre find_centre(const PlacementPlan& plan, const ByteSource& source, const std::stop_token& stop);

}  // namespace gpushard
