#include <limits>
#include <memory>
#include <optional>

#include <gpushard/report.hpp>

#include "cli/index_request.hpp"
#include "cli/interrupt.hpp"
#include "cli/option_values.hpp"

namespace gpushard::cli {
namespace {

struct LoadRequest {
    IndexRequest index;
    std::int64_t verify_rows = 0;
};

ExitCode run_load(const LoadRequest& request, const CommonOptions& common) {
    FileRoles files = check_request(request.index, common);
    const ShardedIndex index = load_request(request.index, make_plan(request.index, files, common), common);
    std::optional<VerifyReport> verified;
    if (request.verify_rows > 0) verified = verify(index, request.verify_rows);
    common.interrupt->check("verifying was cancelled");

    const VerifyReport* shown = verified ? &*verified : nullptr;
    print(common.json ? to_json(index.plan(), index.load_report(), shown)
                      : to_text(index.plan(), index.load_report(), shown));
    if (!verified || verified->failures.empty()) return exit_ok;
    throw Error(ErrorKind::internal, "verification failed: " + verified->failures.front());
}

}  // namespace

void add_load_command(CommandLine& line) {
    const auto request = std::make_shared<LoadRequest>();
    CLI::App& command = line.add_command("load", "Load an index, report planned beside measured memory, release it",
                                         [&line, request] { return run_load(*request, line.common); });
    add_index_request(command, request->index);
    add_number(command, "--verify", request->verify_rows, 1, std::numeric_limits<std::int32_t>::max(),
               "Read so many random rows back, search them, and compare with exact arithmetic");
}

}  // namespace gpushard::cli
