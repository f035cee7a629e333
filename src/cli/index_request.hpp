#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gpushard/load.hpp>
#include <gpushard/placement_plan.hpp>

#include "cli/command_line.hpp"
#include "cli/progress_bar.hpp"

namespace gpushard::cli {

/// An index and where it shall go, as typed.
struct IndexRequest {
    std::vector<std::filesystem::path> files;  ///< several are the parts of one index, in order
    std::string plan_file;                     ///< a plan to replay; empty: plan now
    std::string devices;                       ///< empty: the default of this build
    PlanOptions plan;
    std::optional<std::int64_t> k;
    std::optional<int> nprobe;
};

/// The files of an index as positional arguments.
void add_index_files(CLI::App& command, std::vector<std::filesystem::path>& files);

/// Files, `--plan`, and every option that planning takes; `--plan` excludes the others.
void add_index_request(CLI::App& command, IndexRequest& request);

/// Throws InvalidArgument where neither files nor a plan were typed, and says what has no effect.
void check_request(const IndexRequest& request, const CommonOptions& common);

IndexProfile inspect(const std::vector<std::filesystem::path>& files);

/// What planning for the request is asked.
LoadOptions planning_options(const IndexRequest& request);

/// Plans now, or reads the plan that was typed, for the files that were typed beside it.
PlacementPlan make_plan(const IndexRequest& request);

/// Loads what `make_plan` decided for the request, with a progress bar and until an interrupt. Rows may go elsewhere
/// when memory turns out short, unless the plan was typed.
ShardedIndex load_request(const IndexRequest& request, const PlacementPlan& plan, const CommonOptions& common);

}  // namespace gpushard::cli
