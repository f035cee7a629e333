#include "cli/index_request.hpp"

#include <limits>

#include <gpushard/device_info.hpp>
#include <gpushard/index_inspector.hpp>
#include <gpushard/report.hpp>

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
        add_number(command, "--k", request.k, 1, most_queries, "Neighbours to plan for, and to search")
            ->default_str("10"),
    };
}

}  // namespace

void add_index_files(CLI::App& command, std::vector<std::filesystem::path>& files) {
    command
        .add_option_function<std::vector<std::string>>(
            "files", [&files](const std::vector<std::string>& names) { files.assign(names.begin(), names.end()); },
            "A Faiss index file, or the parts of one in order")
        ->type_name("FILE");
}

void add_index_request(CLI::App& command, IndexRequest& request) {
    add_index_files(command, request.files);
    CLI::Option* replayed =
        command.add_option("--plan", request.plan_file, "Replay a plan saved by plan --json")->type_name("FILE");
    for (CLI::Option* option : add_planning_options(command, request)) replayed->excludes(option);
    add_number(command, "--nprobe", request.nprobe, 1, most_queries, "Lists to search, of indexes that have lists")
        ->default_str("as stored");
}

void check_request(const IndexRequest& request, const CommonOptions& common) {
    if (request.files.empty() && request.plan_file.empty()) {
        throw InvalidArgument("no index file was named, expected one, or --plan plan.json");
    }
    if (request.nprobe) note(common, "note: --nprobe has no effect: flat indexes have no lists");
}

IndexProfile inspect(const std::vector<std::filesystem::path>& files) {
    return files.size() == 1 ? inspect_index(files.front()) : inspect_index(files);
}

LoadOptions planning_options(const IndexRequest& request) {
    LoadOptions options;
    options.devices = request.devices;
    options.plan = request.plan;
    if (request.k) options.plan.k = *request.k;
    return options;
}

PlacementPlan make_plan(const IndexRequest& request) {
    if (request.plan_file.empty()) {
        const LoadOptions options = planning_options(request);
        return request.files.size() == 1 ? plan(request.files.front(), options) : plan(request.files, options);
    }
    PlacementPlan plan = read_plan(request.plan_file);
    plan.must_be_of_a_file();
    if (!request.files.empty()) {
        plan.index.files.clear();
        for (const std::filesystem::path& file : request.files) plan.index.files.push_back(file.string());
    }
    return plan;
}

ShardedIndex load_request(const IndexRequest& request, const PlacementPlan& plan, const CommonOptions& common) {
    const Interrupt interrupt;
    ProgressBar bar("loading", common.quiet);
    LoadOptions options;
    options.may_replan = request.plan_file.empty();
    options.stop = interrupt.token();
    options.on_progress = [&bar](const LoadProgress& progress) {
        bar.update(progress.loaded_bytes, progress.total_bytes, progress.bytes_per_second, progress.seconds_left);
    };
    return load(plan, options);
}

}  // namespace gpushard::cli
