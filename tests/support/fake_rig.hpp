#pragma once

#include <memory>
#include <vector>

#include <gpushard/byte_source.hpp>
#include <gpushard/placement_plan.hpp>

#include "support/fake_device.hpp"

namespace gpushard::test {

/// Rows [0, count) for `shards` shards, in equal parts.
std::vector<RowRange> equal_parts(std::int64_t count, int shards);

/// Fake devices, each with more than enough memory, and a plan by hand that loads an index onto them.
struct FakeRig {
    /// `groups` holds the row ranges of each replica; one device for each range. An empty range leaves its device
    /// unused.
    FakeRig(const ByteSource& source, const std::vector<std::vector<RowRange>>& groups,
            Precision precision = Precision::f32);

    static constexpr Bytes budget = 64_MiB;

    PlacementPlan plan;
    std::vector<std::shared_ptr<FakeDevice>> fakes;
    std::vector<std::shared_ptr<Device>> devices;  ///< the same

    /// True when no device holds anything.
    bool all_free() const;
};

}  // namespace gpushard::test
