#include <iostream>
#include <memory>
#include <unistd.h>

#include <gpushard/explain.hpp>
#include <gpushard/index_limits.hpp>
#include <gpushard/report.hpp>

#include "cli/index_request.hpp"
#include "cli/option_values.hpp"
#include "cli/typed_index.hpp"

namespace gpushard::cli {
namespace {

struct ExplainRequest {
    std::vector<std::string> words;  ///< the text, as one argument or several
    std::string file;
    IndexFiles index;
    TypedIndex typed;
    std::string devices;
    ExplainOptions options;
};

void add_paths(CLI::App& command, const std::string& flag, std::vector<std::filesystem::path>& paths,
               const std::string& description) {
    command
        .add_option_function<std::vector<std::string>>(
            flag, [&paths](const std::vector<std::string>& names) { paths.assign(names.begin(), names.end()); },
            description)
        ->type_name("FILE")
        ->take_all();
}

bool reads_standard_input(const ExplainRequest& request) {
    return request.words.empty() && (request.file.empty() || request.file == "-");
}

FileRoles check_files(const ExplainRequest& request) {
    FileRoles files;
    if (reads_standard_input(request)) {
        files.reads_standard_input();
    } else if (!request.file.empty()) {
        files.reads("--file", std::filesystem::path(request.file));
    }
    files.reads("--index", request.index.paths);
    files.reads("--catalogue", request.options.catalogues);
    add_rigs(files, request.devices);
    return files;
}

ExplainOptions options_of(const ExplainRequest& request, FileRoles& files, const CommonOptions& common) {
    ExplainOptions options = request.options;
    if (!request.index.paths.empty()) options.index = inspect(request.index, files, common);
    if (request.typed.is_typed()) {
        TypedIndex typed = request.typed;
        typed.dim = options.dim;
        options.index = typed.profile();
        options.dim.reset();
    }
    if (!request.devices.empty()) {
        options.devices = resolve_devices(request.devices);
        options.devices_spec = request.devices;
    }
    return options;
}

Explanation explain_request(const ExplainRequest& request, const CommonOptions& common) {
    FileRoles files = check_files(request);
    const ExplainOptions options = options_of(request, files, common);
    if (!request.words.empty()) {
        std::string text;
        for (const std::string& word : request.words) text += (text.empty() ? "" : " ") + word;
        return explain(std::string_view(text), options);
    }
    if (reads_standard_input(request)) {
        if (::isatty(STDIN_FILENO) != 0) note(common, "reading the error text from here; end it with Ctrl-D");
        return explain(std::cin, options);
    }
    return explain_file(request.file, options);
}

}  // namespace

void add_explain_command(CommandLine& line) {
    const auto request = std::make_shared<ExplainRequest>();
    CLI::App& command = line.add_command(
        "explain",
        "Say what an error of Faiss, CUDA, cuVS, PyTorch or vLLM means, and what to do: an error text, or a whole log",
        [&line, request] {
            if (!request->words.empty() && !request->file.empty()) {
                throw InvalidArgument("both a text and --file were given, expected one of them");
            }
            const Explanation explanation = explain_request(*request, line.common);
            print(line.common.json ? to_json(explanation) : to_text(explanation));
            return explanation.recognised() ? exit_ok : exit_failure;
        });
    command
        .add_option("text", request->words, "The error text; without it, and without --file, standard input is read")
        ->type_name("TEXT")
        ->take_all();
    command.add_option("--file", request->file, "A log to read, '-' for standard input")->type_name("FILE");
    add_paths(command, "--index", request->index.paths, "The index it was about, or the parts of one in order");
    add_part_order(command, request->index.order);
    add_number(command, "--dim", request->options.dim, 1, largest_dim,
               "The dimension of that index, where no more is known");
    add_typed_index(command, request->typed);
    command.get_option("--count")->excludes("--index");
    command.add_option("--devices", request->devices, "Plan the index for these devices, as for plan")
        ->type_name("SPEC[,SPEC...]");
    add_value(command, "--precision", request->options.precision, parse_precision, "stored, f32, f16, bf16 or auto")
        ->type_name("NAME")
        ->default_str("stored");
    add_paths(command, "--catalogue", request->options.catalogues,
              "A catalogue of your own, tried before the built-in one");
    command.add_flag("--trace", request->options.trace,
                     "Say which entry of the catalogue and which of its patterns each line matched, and why it won");
    command.footer("Exit code 0 when something was recognised, 1 when nothing was.");
}

}  // namespace gpushard::cli
