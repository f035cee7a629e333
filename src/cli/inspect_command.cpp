#include <memory>

#include <gpushard/report.hpp>

#include "cli/index_request.hpp"

namespace gpushard::cli {

void add_inspect_command(CommandLine& line) {
    const auto files = std::make_shared<std::vector<std::filesystem::path>>();
    CLI::App& command = line.add_command("inspect", "Read the header of an index: type, size, metric", [&line, files] {
        if (files->empty()) throw InvalidArgument("no index file was named");
        FileRoles().reads("the index", *files);
        const IndexProfile profile = inspect(*files);
        print(line.common.json ? to_json(profile) : to_text(profile));
        return exit_ok;
    });
    add_index_files(command, *files);
}

}  // namespace gpushard::cli
