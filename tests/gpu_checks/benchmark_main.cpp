#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include <CLI/CLI.hpp>

#include <gpushard/abort_report.hpp>
#include <gpushard/error.hpp>

#include "gpu_checks/measurements.hpp"
#include "gpu_checks/summary.hpp"

namespace gpushard::test {
namespace {

void write(const std::filesystem::path& path, const nlohmann::ordered_json& json) {
    std::ofstream out(path, std::ios::trunc);
    out << json.dump(2) << '\n';
    if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

void note(const std::string& step) { std::fprintf(stderr, "measuring: %s\n", step.c_str()); }

int run(int argc, char** argv) {
    CLI::App app{"Measures gpushard on a card beside stock Faiss; run.sh calls it"};
    app.name("gpu_benchmark");
    app.require_subcommand(1);
    std::filesystem::path out;
    Results results;
    int repetitions = 5;

    CLI::App* const facts = app.add_subcommand("card", "Says which card there is, or exits with 5");
    facts->add_option("--out", out, "JSON")->required();
    CLI::App* const measure = app.add_subcommand("measure", "Takes every figure");
    measure->add_option("--out", out, "JSON")->required();
    measure->add_option("--repeat", repetitions, "Times each figure is taken; medians are kept")
        ->check(CLI::Range(1, 1000))
        ->default_str("5");
    CLI::App* const gathers = app.add_subcommand("summary", "Puts all results together and prints the table");
    gathers->add_option("--folder", results.folder, "What run.sh wrote")->required();
    gathers->add_option("--commit", results.commit, "Of gpushard")->required();
    gathers->add_option("--date", results.date, "Of the run")->required();
    gathers->add_option("--benchmark-status", results.benchmark_status, "Exit status of measure")->required();
    gathers->add_option("--out", out, "JSON")->required();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }

    install_abort_report();
    if (*facts) write(out, card_facts());
    if (*measure) write(out, to_json(measure_card(repetitions, note)));
    if (*gathers) {
        const nlohmann::ordered_json gathered = gather(results);
        write(out, gathered);
        std::fputs(summary(gathered).c_str(), stdout);
        return gathered["result"] == "pass" ? 0 : 1;
    }
    return 0;
}

}  // namespace
}  // namespace gpushard::test

int main(int argc, char** argv) {
    try {
        return gpushard::test::run(argc, argv);
    } catch (const gpushard::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        for (const std::string& hint : error.hints()) std::fprintf(stderr, "  try: %s\n", hint.c_str());
        return error.kind() == gpushard::ErrorKind::device ? 5 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
