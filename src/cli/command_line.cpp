#include "cli/command_line.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <sstream>

#include <gpushard/printable_text.hpp>
#include <gpushard/report.hpp>
#include <gpushard/version.hpp>

#include "cli/interrupt.hpp"
#include "cli/line_to_paste.hpp"
#include "cli/option_values.hpp"

namespace gpushard::cli {
namespace {

LogLevel parse_log_level(const std::string& text) {
    static constexpr std::pair<const char*, LogLevel> levels[] = {
        {"trace", LogLevel::trace}, {"debug", LogLevel::debug}, {"info", LogLevel::info},
        {"warn", LogLevel::warn},   {"error", LogLevel::error}, {"off", LogLevel::off}};
    for (const auto& [name, level] : levels) {
        if (text == name) return level;
    }
    throw InvalidArgument("'" + text + "' is unknown, expected trace, debug, info, warn, error or off");
}

std::string version_line() {
    const std::string risk = faiss_gpu_risk();
    return "gpushard " + version() + " (Faiss " + faiss_version() + ")" +
           (risk.empty() ? "" : "\nfor tests on simulated cards: " + risk);
}

void add_commands(CommandLine& line) {
    line.app.name("gpushard");
    line.app.set_version_flag("--version", version_line());
    line.app.require_subcommand(1);
    add_devices_command(line);
    add_doctor_command(line);
    add_inspect_command(line);
    add_plan_command(line);
    add_load_command(line);
    add_search_command(line);
    add_bench_command(line);
    add_explain_command(line);
    add_generate_command(line);
}

ExitCode report_error(const Error& error, bool json) {
    ErrorReport report = explained_report(error);
    std::fputs(("gpushard: error: " + to_text(report)).c_str(), stderr);
    if (json) print(to_json(error, report));
    return exit_code(error.kind());
}

/// --json as it was typed: a command line that could not be read has not set CommonOptions.
bool asks_for_json(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--json") == 0) return true;
    }
    return false;
}

/// "gpushard plan --help" for the command that was typed.
std::string help_hint(const CommandLine& line) {
    std::string command = "gpushard ";
    for (const CLI::App* typed : line.app.get_subcommands()) command += typed->get_name() + " ";
    return command + "--help";
}

/// What the reader of the command line says, or, where the command is unknown, which there are.
std::string usage_problem(const CommandLine& line, const CLI::ParseError& error) {
    const std::vector<std::string> unread = line.app.remaining();
    if (!line.app.get_subcommands().empty() || unread.empty()) return error.what();
    std::string names;
    for (const CLI::App* command : line.app.get_subcommands([](const CLI::App*) { return true; })) {
        names += (names.empty() ? "" : ", ") + command->get_name();
    }
    return "command '" + unread.front() + "' is unknown, expected one of " + names;
}

/// Help, version and usage errors.
ExitCode end_of_parse(const CommandLine& line, const CLI::ParseError& error, bool json) {
    if (error.get_exit_code() != static_cast<int>(CLI::ExitCodes::Success)) {
        return report_error(InvalidArgument(usage_problem(line, error), {help_hint(line)}), json);
    }
    std::ostringstream text;
    line.app.exit(error, text, text);
    print(text.str());
    return exit_ok;
}

ExitCode run_command(CommandLine& line, int argc, char** argv) {
    try {
        line.app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return end_of_parse(line, error, asks_for_json(argc, argv));
    }
    set_log_level(line.common.log_level);
    try {
        return line.selected();
    } catch (const WrongParts& error) {
        return report_error(with_line_to_paste(error, {argv + 1, argv + argc}), line.common.json);
    } catch (const Error& error) {
        return report_error(error, line.common.json);
    } catch (const std::bad_alloc&) {
        return report_error(InsufficientMemory("the host is out of memory", 0), line.common.json);
    } catch (const std::exception& error) {
        return report_error(Error(ErrorKind::internal, error.what()), line.common.json);
    }
}

/// What was printed may still be in a buffer. A reader that went away (`gpushard plan F | head`) has what it wanted.
ExitCode flush_output(ExitCode code) {
    const bool failed = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
    if (!failed || errno == EPIPE) return code;
    std::fprintf(stderr, "gpushard: error: standard output cannot be written: %s\n", std::strerror(errno));
    return code == exit_ok ? exit_failure : code;
}

}  // namespace

ExitCode exit_code(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::invalid_argument:
            return exit_usage;
        case ErrorKind::insufficient_memory:
            return exit_does_not_fit;
        case ErrorKind::bad_file:
            return exit_bad_file;
        case ErrorKind::device:
            return exit_device;
        case ErrorKind::cancelled:
            return exit_cancelled;
        case ErrorKind::internal:
            return exit_failure;
    }
    return exit_failure;
}

CLI::App& CommandLine::add_command(const std::string& name, const std::string& description,
                                   std::function<ExitCode()> run) {
    CLI::App& command = *app.add_subcommand(name, description);
    // What is advised can be appended to the command that was typed.
    command.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    command.add_flag("--json", common.json, "Print facts as one JSON object");
    command.add_flag("--quiet", common.quiet, "No progress and no notes on stderr");
    add_value(command, "--log-level", common.log_level, parse_log_level,
              "What the library logs to stderr: trace, debug, info, warn, error or off")
        ->type_name("NAME")
        ->default_str("warn");
    command.callback([this, run = std::move(run)] { selected = run; });
    return command;
}

ExitCode run(int argc, char** argv) {
    try {
        Interrupt interrupt;
        CommandLine line;
        line.common.interrupt = &interrupt;
        add_commands(line);
        return flush_output(run_command(line, argc, argv));
    } catch (const std::bad_alloc&) {
        std::fputs("gpushard: error: the host is out of memory\n", stderr);
        return exit_does_not_fit;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "gpushard: error: %s\n", printable(error.what()).c_str());
        return exit_failure;
    }
}

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

bool nobody_reads_output() { return std::ferror(stdout) != 0; }

void print_json(const nlohmann::ordered_json& json) {
    print(printable_json(json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace)) + "\n");
}

void note(const CommonOptions& common, const std::string& text) {
    if (!common.quiet) std::fputs(("gpushard: " + printable(text) + "\n").c_str(), stderr);
}

nlohmann::ordered_json json_header() {
    return {{"schema_version", schema_version}, {"gpushard_version", version()}, {"faiss_version", faiss_version()}};
}

}  // namespace gpushard::cli
