#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <gpushard/error.hpp>
#include <gpushard/log.hpp>

/// The tool: each command parses, calls the library, prints, and returns an exit code. This is the only room that
/// prints: facts to stdout, everything else to stderr.
namespace gpushard::cli {

class Interrupt;

/// What scripts may rely on.
enum ExitCode {
    exit_ok = 0,
    exit_failure = 1,
    exit_usage = 2,
    exit_does_not_fit = 3,
    exit_bad_file = 4,
    exit_device = 5,
    exit_cancelled = 6,
};

ExitCode exit_code(ErrorKind kind);

/// What every command accepts.
struct CommonOptions {
    bool json = false;
    bool quiet = false;
    LogLevel log_level = LogLevel::warn;
    Interrupt* interrupt = nullptr;  ///< of this process; lives as long as the command
};

/// The command line while it is built and read. A command's `add_..._command` registers its options, and sets
/// `selected` when it is the one that was typed.
struct CommandLine {
    CLI::App app{"Load one Faiss index file across every device of this machine, within the memory the plan printed"};
    CommonOptions common;
    std::function<ExitCode()> selected;

    /// A command with the common options, which runs `run` when it was typed.
    CLI::App& add_command(const std::string& name, const std::string& description, std::function<ExitCode()> run);
};

void add_bench_command(CommandLine& line);
void add_devices_command(CommandLine& line);
void add_doctor_command(CommandLine& line);
void add_explain_command(CommandLine& line);
void add_generate_command(CommandLine& line);
void add_inspect_command(CommandLine& line);
void add_load_command(CommandLine& line);
void add_plan_command(CommandLine& line);
void add_search_command(CommandLine& line);

/// Reads the arguments, runs the command, and says what went wrong. Never throws.
ExitCode run(int argc, char** argv);

void print(std::string_view text);                                ///< to stdout
void print_json(const nlohmann::ordered_json& json);              ///< to stdout, as the library's reports look
void note(const CommonOptions& common, const std::string& text);  ///< one line to stderr, unless --quiet

/// Whether what was printed could not be written, as when the reader of a pipe went away: more need not be made.
bool nobody_reads_output();

/// {"schema_version", "gpushard_version", "faiss_version"}.
nlohmann::ordered_json json_header();

}  // namespace gpushard::cli
