#include <memory>
#include <optional>

#include <gpushard/doctor.hpp>
#include <gpushard/error.hpp>
#include <gpushard/index_inspector.hpp>
#include <gpushard/report.hpp>

#include "cli/index_request.hpp"

namespace gpushard::cli {
namespace {

/// What is no index is a check of the report.
std::optional<IndexProfile> inspect_if_readable(const DoctorOptions& options) {
    if (options.index.empty()) return std::nullopt;
    try {
        return inspect_index(options.index, options.part_order);
    } catch (const Error&) {
        return std::nullopt;
    }
}

ExitCode run_doctor(const DoctorOptions& options, const CommonOptions& common) {
    FileRoles files;
    files.reads("--index", options.index);
    if (const auto index = inspect_if_readable(options)) add_found_files(files, *index);
    add_rigs(files, options.devices);
    const DoctorReport report = examine_machine(options);
    print(common.json ? to_json(report) : to_text(report));
    const auto gravest = report.gravest();
    return gravest ? exit_code(*gravest) : exit_ok;
}

/// An option whose text is a path.
CLI::Option* add_path(CLI::App& command, const std::string& name, const std::string& description,
                      const std::function<void(const std::string&)>& take) {
    return command.add_option_function<std::string>(name, take, description);
}

}  // namespace

void add_doctor_command(CommandLine& line) {
    const auto options = std::make_shared<DoctorOptions>();
    CLI::App& command = line.add_command("doctor", "Say whether every card can be used, and what is in the way",
                                         [&line, options] { return run_doctor(*options, line.common); });
    command
        .add_option_function<std::vector<std::string>>(
            "--index",
            [options](const std::vector<std::string>& names) { options->index.assign(names.begin(), names.end()); },
            "An index, or its parts in order: can it be read, where does it lie, does it fit")
        ->type_name("FILE")
        ->take_all();
    add_part_order(command, options->part_order);
    command.add_option("--devices", options->devices, "Where it shall go, as for plan; cards that fail are left out")
        ->type_name("SPEC[,SPEC...]")
        ->default_str(system_inventory().default_specification());
    add_path(command, "--root", "Read proc, sys and dev below this folder, as of a mounted system",
             [options](const std::string& root) { options->root = root; })
        ->type_name("DIR")
        ->default_str("/");
    command.footer(
        "Exit code: 0 no check failed, warnings or not; 5 a card, the driver or their versions; 3 the index\n"
        "does not fit; 4 the index cannot be read; 1 another check failed. The gravest counts, in this order.");
}

}  // namespace gpushard::cli
