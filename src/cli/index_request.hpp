#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gpushard/load.hpp>
#include <gpushard/placement_plan.hpp>

#include "cli/command_line.hpp"
#include "cli/file_roles.hpp"
#include "cli/progress_bar.hpp"

namespace gpushard::cli {

/// The files of an index, as typed.
struct IndexFiles {
    std::vector<std::filesystem::path> paths;  ///< several are the parts of one index, in order
    PartOrder order = PartOrder::by_name;
};

/// An index and where it shall go, as typed.
struct IndexRequest {
    IndexFiles files;
    std::string plan_file;  ///< a plan to replay; empty: plan now
    std::string devices;    ///< empty: the default of this build
    PlanOptions plan;
    std::optional<std::int64_t> k;
    std::optional<int> nprobe;
};

/// The files of an index as positional arguments, and `--parts-as-given`.
void add_index_files(CLI::App& command, IndexFiles& files);

/// `--parts-as-given`, for commands that take the files otherwise.
void add_part_order(CLI::App& command, PartOrder& order);

/// Files, `--plan`, and every option that planning takes; `--plan` excludes the others.
void add_index_request(CLI::App& command, IndexRequest& request);

/// Throws InvalidArgument where neither files nor a plan were typed, and says what has no effect. Returns the files
/// that the request reads, as far as they were typed.
[[nodiscard]] FileRoles check_request(const IndexRequest& request, const CommonOptions& common);

/// Adds the rig files that a device specification names.
void add_rigs(FileRoles& files, std::string_view devices);

/// Adds the files of an index, also those that were found beside the one that was typed.
void add_found_files(FileRoles& files, const IndexProfile& index);

/// Reads the header, adds the files, and notes which were found beside the one that was typed.
IndexProfile inspect(const IndexFiles& index, FileRoles& files, const CommonOptions& common);

/// What planning for the request is asked.
LoadOptions planning_options(const IndexRequest& request);

/// Plans now, or reads the plan that was typed, for the files that were typed beside it. The files of the index become
/// inputs in `files`, also those that only a plan names. Notes what `inspect` notes.
PlacementPlan make_plan(const IndexRequest& request, FileRoles& files, const CommonOptions& common);

/// Loads what `make_plan` decided for the request, with a progress bar and until an interrupt. Rows may go elsewhere
/// when memory turns out short, unless the plan was typed.
ShardedIndex load_request(const IndexRequest& request, const PlacementPlan& plan, const CommonOptions& common);

}  // namespace gpushard::cli
