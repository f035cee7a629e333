#include <memory>

#include <gpushard/index_limits.hpp>
#include <gpushard/placement_planner.hpp>
#include <gpushard/report.hpp>

#include "cli/index_request.hpp"
#include "cli/option_values.hpp"
#include "cli/plan_replay.hpp"
#include "cli/typed_index.hpp"

namespace gpushard::cli {
namespace {

struct PlanRequest {
    IndexRequest index;
    TypedIndex typed;  ///< instead of a file
    bool fit = false;
    int max_cards = 16;
};

/// Returns the files that the request reads.
FileRoles check_plan_request(const PlanRequest& request, const CommonOptions& common) {
    if (!request.typed.is_typed()) {
        if (request.typed.dim) throw InvalidArgument("--dim was given without --count, expected both");
        return check_request(request.index, common);
    }
    if (!request.index.files.paths.empty()) {
        throw InvalidArgument("both an index file and --count were given, expected one of them");
    }
    return {};
}

ExitCode run_plan(const PlanRequest& request, const CommonOptions& common) {
    FileRoles files = check_plan_request(request, common);
    const PlacementPlan plan = request.typed.is_typed()
                                   ? gpushard::plan(request.typed.profile(), planning_options(request.index))
                                   : make_plan(request.index, files, common);
    if (!request.index.plan_file.empty()) check_replay(plan, request.index.files.order);
    print(common.json ? to_json(plan) : to_text(plan));
    return exit_ok;
}

InsufficientMemory no_rig_fits(const RigFit& fit) {
    InsufficientMemory error(fit.index.display_name() + ": " + std::to_string(fit.index.count) + " x " +
                                 std::to_string(fit.index.dim) + " fits no rig of up to " +
                                 std::to_string(fit.max_cards) + " of one known card",
                             0, {}, {}, {{"max_cards", std::int64_t{fit.max_cards}}});
    error.add_hint("more cards: --max-cards " + std::to_string(2 * fit.max_cards));
    if (fit.options.replicas == 1) error.add_hint("rows in host memory: --spill SIZE");
    return error;
}

ExitCode run_fit(const PlanRequest& request, const CommonOptions& common) {
    FileRoles files = check_plan_request(request, common);
    const IndexProfile index =
        request.typed.is_typed() ? request.typed.profile() : inspect(request.index.files, files, common);
    const RigFit fit = fit_rigs(index, planning_options(request.index).plan, request.max_cards);
    if (fit.rigs.empty()) throw no_rig_fits(fit);
    print(common.json ? to_json(fit) : to_text(fit));
    return exit_ok;
}

}  // namespace

void add_plan_command(CommandLine& line) {
    const auto request = std::make_shared<PlanRequest>();
    CLI::App& command = line.add_command(
        "plan", "Decide which rows go to which device and what that takes, without loading",
        [&line, request] { return request->fit ? run_fit(*request, line.common) : run_plan(*request, line.common); });
    add_index_request(command, request->index);
    add_typed_index(command, request->typed);
    command.get_option("--count")->excludes("--plan");
    add_number(command, "--dim", request->typed.dim, 1, largest_dim, "With --count: the dimension of the vectors");
    CLI::Option* fit = command.add_flag("--fit", request->fit,
                                        "What to buy or rent: the fewest of each known card that hold the index, at "
                                        "each precision; --replicas and --spill count");
    fit->excludes("--plan")->excludes("--devices");
    constexpr int most_cards = 1024;
    add_number(command, "--max-cards", request->max_cards, 1, most_cards, "With --fit: most cards of a rig")
        ->default_str("16")
        ->needs(fit);
}

}  // namespace gpushard::cli
