#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include <gpushard/placement_plan.hpp>

#include "bench/comparison.hpp"

namespace gpushard::bench {

/// What shall be compared: checked, and planned.
struct CompareRequest {
    const std::filesystem::path file;
    const std::vector<float>& queries;
    const std::int64_t query_count;
    const CompareOptions& options;
    const PlacementPlan plan;
};

/// compare_with_faiss for a plan whose rows are all on the host.
ComparisonReport compare_on_host(const CompareRequest& request);

/// compare_with_faiss for a plan whose rows are all on cards.
ComparisonReport compare_on_cards(const CompareRequest& request);

}  // namespace gpushard::bench
