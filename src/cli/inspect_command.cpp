#include <memory>

#include <gpushard/report.hpp>

#include "cli/index_request.hpp"

namespace gpushard::cli {

void add_inspect_command(CommandLine& line) {
    const auto files = std::make_shared<IndexFiles>();
    CLI::App& command = line.add_command("inspect", "Read the header of an index: type, size, metric", [&line, files] {
        if (files->paths.empty()) throw InvalidArgument("no index file was named");
        FileRoles roles;
        roles.reads("the index", files->paths);
        const IndexProfile profile = inspect(*files, roles, line.common);
        print(line.common.json ? to_json(profile) : to_text(profile));
        return exit_ok;
    });
    add_index_files(command, *files);
}

}  // namespace gpushard::cli
