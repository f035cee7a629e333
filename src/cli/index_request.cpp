#include "cli/index_request.hpp"

#include <limits>

#include <gpushard/byte_source.hpp>
#include <gpushard/device_info.hpp>
#include <gpushard/index_inspector.hpp>
#include <gpushard/printable_text.hpp>
#include <gpushard/report.hpp>
#include <gpushard/rig_files.hpp>

#include "cli/interrupt.hpp"
#include "cli/option_values.hpp"

namespace gpushard::cli {
namespace {

constexpr std::int64_t most_devices = 65536;
constexpr std::int64_t most_queries = std::numeric_limits<std::int32_t>::max();

/// The options a plan is made from; a plan that was made already brings its own.
std::vector<CLI::Option*> add_planning_options(CLI::App& command, IndexRequest& request) {
    PlanOptions& plan = request.plan;
    return {
        command
            .add_option(
                "--devices", request.devices,
                "Devices: cpu, cpu=2GiB*4, cuda:all, cuda:0-3, 0,1, cuda:0=24GiB, a PCI id or UUID, any; to plan "
                "for others, a known card as 4xA100-40GB, a card's memory as 20GiB, @rig.json")
            ->default_str(system_inventory().default_specification())
            ->type_name("SPEC[,SPEC...]"),
        add_value(command, "--strategy", plan.strategy, parse_strategy, "balanced, proportional, fewest or replicate")
            ->type_name("NAME")
            ->default_str("balanced"),
        add_number(command, "--replicas", plan.replicas, 1, most_devices, "Whole copies, for --strategy replicate")
            ->default_str("1"),
        add_number(command, "--min-devices", plan.min_devices, 1, most_devices, "Use at least so many devices")
            ->default_str("1"),
        add_value(command, "--precision", plan.precision, parse_precision, "stored, f32, f16, bf16 or auto")
            ->type_name("NAME")
            ->default_str("stored"),
        add_value(command, "--reserve", plan.reserve_bytes, parse_bytes, "Memory of each device to leave untouched")
            ->type_name("SIZE")
            ->default_str("256MiB on a card, 0 on the host"),
        add_value(command, "--staging", plan.staging_bytes, parse_positive_bytes,
                  "Host memory for staging while loading, all devices together")
            ->type_name("SIZE")
            ->default_str("256MiB"),
        add_value(command, "--spill", plan.spill_bytes, parse_bytes,
                  "Host memory that may take the rows for which the devices have no room")
            ->type_name("SIZE")
            ->default_str("0"),
        add_number(command, "--max-batch", plan.max_batch, 1, most_queries, "Most queries searched at a time")
            ->default_str("256"),
        add_number(command, "--threads", plan.threads, 1, most_threads,
                   "Threads that search on the host, all its devices together")
            ->default_str("as many as this process has processors"),
        add_number(command, "--k", request.k, 1, most_queries, "Neighbours to plan for, and to search")
            ->default_str("10"),
    };
}

/// Nothing is taken silently that was not named.
void note_found_files(const IndexFiles& named, const IndexProfile& found, const CommonOptions& common) {
    if (found.files.size() <= named.paths.size()) return;
    std::string files;
    for (const std::string& file : found.files) files += " " + shell_quoted(file);
    note(common, "note: " + found.files.front() + " is the first of " + std::to_string(found.files.size()) +
                     " parts, which are read with it:" + files);
}

}  // namespace

void add_index_files(CLI::App& command, IndexFiles& files) {
    command
        .add_option_function<std::vector<std::string>>(
            "files",
            [&files](const std::vector<std::string>& names) { files.paths.assign(names.begin(), names.end()); },
            "A Faiss index file, or the parts of one in order; of the first part alone the others are found beside it")
        ->type_name("FILE")
        ->take_all();
    add_part_order(command, files.order);
}

void add_part_order(CLI::App& command, PartOrder& order) {
    command.add_flag_callback(
        "--parts-as-given", [&order] { order = PartOrder::as_given; },
        "Read the files one after the other as they are named, whatever their names say of their order");
}

void add_index_request(CLI::App& command, IndexRequest& request) {
    add_index_files(command, request.files);
    CLI::Option* replayed =
        command.add_option("--plan", request.plan_file, "Replay a plan saved by plan --json")->type_name("FILE");
    for (CLI::Option* option : add_planning_options(command, request)) replayed->excludes(option);
    add_number(command, "--nprobe", request.nprobe, 1, most_queries, "Lists to search, of indexes that have lists")
        ->default_str("as stored");
}

FileRoles check_request(const IndexRequest& request, const CommonOptions& common) {
    if (request.files.paths.empty() && request.plan_file.empty()) {
        throw InvalidArgument("no index file was named, expected one, or --plan plan.json");
    }
    if (request.nprobe) note(common, "note: --nprobe has no effect: flat indexes have no lists");
    FileRoles files;
    files.reads("the index", request.files.paths);
    if (!request.plan_file.empty()) files.reads("--plan", std::filesystem::path(request.plan_file));
    add_rigs(files, request.devices);
    return files;
}

void add_found_files(FileRoles& files, const IndexProfile& index) {
    for (const std::string& file : index.files) files.reads("the index", std::filesystem::path(file));
}

void add_rigs(FileRoles& files, std::string_view devices) { files.reads("a rig of --devices", rig_files(devices)); }

IndexProfile inspect(const IndexFiles& index, FileRoles& files, const CommonOptions& common) {
    IndexProfile profile = inspect_index(index.paths, index.order);
    add_found_files(files, profile);
    note_found_files(index, profile, common);
    return profile;
}

LoadOptions planning_options(const IndexRequest& request) {
    LoadOptions options;
    options.devices = request.devices;
    options.plan = request.plan;
    options.part_order = request.files.order;
    if (request.k) options.plan.k = *request.k;
    return options;
}

PlacementPlan make_plan(const IndexRequest& request, FileRoles& files, const CommonOptions& common) {
    PlacementPlan plan = request.plan_file.empty() ? gpushard::plan(request.files.paths, planning_options(request))
                                                   : read_plan(request.plan_file);
    plan.must_be_of_a_file();
    if (!request.plan_file.empty() && !request.files.paths.empty()) {
        plan.index.files = open_parts(request.files.paths, request.files.order)->files();
    }
    add_found_files(files, plan.index);
    if (!request.files.paths.empty()) note_found_files(request.files, plan.index, common);
    return plan;
}

ShardedIndex load_request(const IndexRequest& request, const PlacementPlan& plan, const CommonOptions& common) {
    ProgressBar bar("loading", common.quiet);
    LoadOptions options;
    options.may_replan = request.plan_file.empty();
    options.part_order = request.files.order;
    options.stop = common.interrupt->listen();
    options.on_progress = [&bar](const LoadProgress& progress) {
        bar.update(progress.loaded_bytes, progress.total_bytes, progress.bytes_per_second, progress.seconds_left);
    };
    return load(plan, options);
}

}  // namespace gpushard::cli
