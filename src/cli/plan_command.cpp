#include <memory>

#include <gpushard/report.hpp>

#include "cli/index_request.hpp"
#include "cli/plan_replay.hpp"

namespace gpushard::cli {

void add_plan_command(CommandLine& line) {
    const auto request = std::make_shared<IndexRequest>();
    CLI::App& command = line.add_command(
        "plan", "Decide which rows go to which device and what that takes, without loading", [&line, request] {
            check_request(*request, line.common);
            const PlacementPlan plan = make_plan(*request);
            if (!request->plan_file.empty()) check_replay(plan);
            print(line.common.json ? to_json(plan) : to_text(plan));
            return exit_ok;
        });
    add_index_request(command, *request);
}

}  // namespace gpushard::cli
