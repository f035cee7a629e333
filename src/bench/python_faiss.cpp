#include "bench/python_faiss.hpp"

#include <sstream>

#include <gpushard/error.hpp>
#include <gpushard/printable_text.hpp>

#include "bench/python_program.hpp"
#include "bench/timing.hpp"

namespace gpushard::bench {
namespace {

constexpr std::size_t longest_quote = 200;

std::vector<std::string> command_of(const PythonRequest& request) {
    return {request.python,
            "-c",
            python_program,
            std::filesystem::absolute(request.file).string(),
            std::to_string(request.k),
            std::to_string(request.threads),
            std::to_string(seconds_of_a_figure),
            std::to_string(seconds_of_warming)};
}

/// Who an error is about.
std::string speaker(const std::string& python) { return "the faiss of " + printable(python); }

}  // namespace

PythonFaiss::PythonFaiss(const PythonRequest& request) : version_{request.python, {}, {}}, child_(command_of(request)) {
    std::string hello;
    try {
        hello = expect("hello");
    } catch (const Error& error) {
        // Nothing was asked of it yet, so it is the wrong program.
        throw InvalidArgument(error.what());
    }
    const std::size_t space = hello.find(' ');
    version_.faiss_version = hello.substr(0, space);
    if (space != std::string::npos) version_.compile_options = hello.substr(space + 1);
}

void PythonFaiss::load(const std::vector<float>& queries, std::int64_t count, std::int64_t dim) {
    child_.write("load " + std::to_string(count) + " " + std::to_string(dim) + "\n");
    child_.write(
        {reinterpret_cast<const char*>(queries.data()), static_cast<std::size_t>(count * dim) * sizeof(float)});
    expect("loaded");
}

PythonFaiss::Search PythonFaiss::search(std::int64_t batch) {
    child_.write("search " + std::to_string(batch) + "\n");
    const std::string figures = expect("took");
    std::istringstream text(figures);
    Search search;
    const bool is_read = static_cast<bool>(text >> search.seconds >> search.cpu_seconds);
    if (!is_read || !(search.seconds > 0)) {
        throw Error(ErrorKind::internal,
                    speaker(version_.python) + " took '" + printable(figures, longest_quote) + "', expected seconds");
    }
    return search;
}

std::string PythonFaiss::expect(const std::string& word) {
    const std::string line = child_.read_line();
    const std::size_t space = line.find(' ');
    const std::string first = line.substr(0, space);
    std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
    if (first == word) return rest;
    const std::string said = first == "error" ? " failed: " + printable(rest, longest_quote)
                                              : " said '" + printable(line, longest_quote) + "', expected " + word;
    throw Error(ErrorKind::internal, speaker(version_.python) + said);
}

}  // namespace gpushard::bench
