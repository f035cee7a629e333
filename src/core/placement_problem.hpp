#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <gpushard/device_info.hpp>
#include <gpushard/index_profile.hpp>
#include <gpushard/memory_model.hpp>
#include <gpushard/placement_plan.hpp>

/// Placement as numbers only: which device takes how many rows. No names, texts or errors.
namespace gpushard {

/// A device, as far as placement cares.
struct Candidate {
    std::size_t listed = 0;  ///< its place in the rig as given
    ShardWorkload workload;
    Bytes usable = 0;
    std::int64_t capacity = 0;              ///< rows that fit with the smallest search tile
    std::int64_t comfortable_capacity = 0;  ///< rows that fit beside a comfortable search tile
    double speed = 1;                       ///< relative to the fastest device, above zero

    /// Bytes the device would need to hold `rows`.
    Bytes needed(std::int64_t rows) const { return shard_memory(workload, rows, smallest_tile(workload, rows)).peak(); }
};

struct PlacementProblem {
    std::int64_t rows = 0;
    Strategy strategy = Strategy::balanced;
    int replicas = 1;
    int min_devices = 1;
    std::vector<Candidate> candidates;  ///< in canonical order
};

struct Assignment {
    std::int64_t rows = 0;
    int group = -1;  ///< -1 where there are no rows
};

/// The memory of `device` that a plan leaves untouched.
Bytes reserve_of(const DeviceInfo& device, const PlanOptions& options);

/// free - reserve - context, never below zero.
Bytes usable_of(const DeviceInfo& device, Bytes reserve);

/// States the problem with devices in an order that depends on what they are and not on where they were listed: by
/// kind, then as people sort names ("cuda:2" before "cuda:10"), then by everything else that tells them apart.
PlacementProblem pose_problem(const IndexProfile& index, const std::vector<DeviceInfo>& devices,
                              const PlanOptions& options, Precision precision);

/// What a candidate is counted to hold: Candidate::capacity or Candidate::comfortable_capacity.
using CapacityOf = std::int64_t Candidate::*;

/// Candidates by group (indices, in canonical order). One group of all, unless whole copies are asked for.
std::vector<std::vector<std::size_t>> groups_of(const PlacementProblem& problem,
                                                CapacityOf capacity = &Candidate::capacity);

/// An assignment for each candidate, or nothing where none was found. Finds one whenever one exists, but for several
/// replicas. Leaves room for comfortable search tiles where the rows still fit (and no further device is needed by
/// Strategy::fewest), so that no device is filled completely and then searched in small pieces.
std::optional<std::vector<Assignment>> solve(const PlacementProblem& problem);

}  // namespace gpushard
