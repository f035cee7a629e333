#include "gpu_checks/summary.hpp"

#include <cmath>
#include <cuda_runtime_api.h>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <fmt/core.h>

#include <gpushard/bytes.hpp>
#include <gpushard/version.hpp>

#include "gpu_checks/card_under_test.hpp"

namespace gpushard::test {
namespace {

using Json = nlohmann::ordered_json;

/// "13.0" of 13000.
std::string cuda_version(int number) { return fmt::format("{}.{}", number / 1000, number % 1000 / 10); }

/// "580.65.06"; empty where the kernel module does not say.
std::string driver_version() {
    std::ifstream file("/proc/driver/nvidia/version");
    std::string word;
    while (file >> word) {
        if (word.find_first_not_of("0123456789.") == std::string::npos && word.find('.') != std::string::npos)
            return word;
    }
    return "";
}

Json read_json(const std::filesystem::path& path) {
    std::ifstream file(path);
    return file ? Json::parse(file, nullptr, false) : Json(Json::value_t::discarded);
}

/// Everything a test recorded beside what GoogleTest always writes.
Json recorded_figures(const Json& test) {
    Json figures = Json::object();
    for (const auto& [key, value] : test.items()) {
        const bool is_number = value.is_string() && !value.get<std::string>().empty() &&
                               value.get<std::string>().find_first_not_of("0123456789.e+-") == std::string::npos;
        if (is_number && key != "time" && key != "timestamp") figures[key] = std::stod(value.get<std::string>());
    }
    return figures;
}

std::string status_of(const Json& test) {
    if (test.contains("failures")) return "failed";
    return test.value("result", "") == "SKIPPED" ? "skipped" : "passed";
}

Json gather_test(const Json& test) {
    Json gathered = {
        {"name", test.value("name", "")}, {"status", status_of(test)}, {"seconds", test.value("time", "")}};
    for (const Json& failure : test.value("failures", Json::array())) {
        gathered["failures"].push_back(failure.value("failure", ""));
    }
    if (test.contains("why_skipped")) gathered["why_skipped"] = test["why_skipped"];
    const Json figures = recorded_figures(test);
    if (!figures.empty()) gathered["figures"] = figures;
    return gathered;
}

Json gather_suite(const std::filesystem::path& folder, const std::string& name, int status, const std::string& file) {
    Json suite = {{"name", name}, {"exit_status", status}, {"finished", false}, {"passed", 0},
                  {"failed", 0},  {"skipped", 0},          {"seconds", 0.0},    {"tests", Json::array()}};
    const Json report = read_json(folder / file);
    if (report.is_discarded()) return suite;
    suite["finished"] = true;
    for (const Json& reported : report.value("testsuites", Json::array())) {
        for (const Json& test : reported.value("testsuite", Json::array())) {
            Json gathered = gather_test(test);
            Json& count = suite[gathered["status"].get<std::string>()];
            count = count.get<int>() + 1;
            suite["tests"].push_back(std::move(gathered));
        }
    }
    suite["seconds"] = std::strtod(report.value("time", "0s").c_str(), nullptr);
    return suite;
}

bool has_passed(const Json& suite) {
    return suite["finished"] && suite["failed"] == 0 && suite["exit_status"] == 0 && !suite["tests"].empty();
}

std::string suite_line(const Json& suite) {
    const std::string name = suite["name"];
    if (!suite["finished"]) {
        return fmt::format("  {:<28}did not finish (exit status {})\n", name, suite["exit_status"].get<int>());
    }
    return fmt::format("  {:<28}{:>7}{:>8}{:>9}{:>10.1f}\n", name, suite["passed"].get<int>(),
                       suite["failed"].get<int>(), suite["skipped"].get<int>(), suite["seconds"].get<double>());
}

std::string measurement_line(const Json& row) {
    const bool compared = row["ratio"].get<double>() != 0;
    const std::string faiss = compared ? fmt::format("{:.4g}", row["faiss"].get<double>()) : "";
    const std::string ratio = compared ? fmt::format("{:.2f}", row["ratio"].get<double>()) : "";
    return fmt::format("  {:<16}{:>5}{:>12.4g}{:>12}{:>8}  {}\n", row["what"].get<std::string>(),
                       row["unit"].get<std::string>(), row["ours"].get<double>(), faiss, ratio,
                       row["beside"].get<std::string>());
}

std::string failure_lines(const Json& suites) {
    std::string lines;
    for (const Json& suite : suites) {
        for (const Json& test : suite["tests"]) {
            if (test["status"] != "failed") continue;
            lines +=
                fmt::format("  failed: {}.{}\n", suite["name"].get<std::string>(), test["name"].get<std::string>());
        }
    }
    return lines;
}

}  // namespace

Json card_facts() {
    const DeviceInfo& info = card();
    int driver = 0;
    int runtime = 0;
    static_cast<void>(cudaDriverGetVersion(&driver));
    static_cast<void>(cudaRuntimeGetVersion(&runtime));
    return {{"card",
             {{"name", info.name},
              {"uuid", info.uuid},
              {"pci", info.pci},
              {"compute_capability", info.compute_capability},
              {"total_bytes", info.total_bytes},
              {"free_bytes", info.free_bytes}}},
            {"simulated", !kernels_compute()},
            {"driver", driver_version()},
            {"driver_supports_cuda", cuda_version(driver)},
            {"cuda_runtime", cuda_version(runtime)}};
}

Json to_json(const std::vector<Measurement>& measurements) {
    Json rows = Json::array();
    for (const Measurement& measured : measurements) {
        rows.push_back({{"what", measured.what},
                        {"unit", measured.unit},
                        {"ours", measured.ours},
                        {"faiss", measured.faiss},
                        {"ratio", measured.ratio},
                        {"beside", measured.beside}});
    }
    return rows;
}

Json gather(const Results& results) {
    Json gathered = {{"schema_version", 1},
                     {"gpushard_version", version()},
                     {"commit", results.commit},
                     {"faiss_version", faiss_version()},
                     {"date", results.date}};
    bool passed = results.benchmark_status == 0;
    const Json facts = read_json(results.folder / "card.json");
    if (!facts.is_discarded()) gathered.update(facts);

    std::ifstream suites(results.folder / "suites.txt");
    if (!suites) throw std::runtime_error("there is no suites.txt in " + results.folder.string());
    gathered["suites"] = Json::array();
    std::string name;
    int status = 0;
    std::string file;
    while (suites >> name >> status >> file) {
        gathered["suites"].push_back(gather_suite(results.folder, name, status, file));
        passed = passed && has_passed(gathered["suites"].back());
    }
    passed = passed && !gathered["suites"].empty();

    const Json rows = read_json(results.folder / "benchmark.json");
    gathered["benchmark"] = {{"exit_status", results.benchmark_status},
                             {"rows", rows.is_discarded() ? Json::array() : rows}};
    gathered["result"] = passed ? "pass" : "fail";
    return gathered;
}

std::string summary(const Json& gathered) {
    std::string text = fmt::format("gpushard {} ({}), Faiss {}, {}\n", gathered["gpushard_version"].get<std::string>(),
                                   gathered["commit"].get<std::string>(), gathered["faiss_version"].get<std::string>(),
                                   gathered["date"].get<std::string>());
    if (gathered.contains("card")) {
        const Json& info = gathered["card"];
        text += fmt::format("{}, {}, compute capability {}, driver {} (CUDA {}), CUDA runtime {}\n",
                            info["name"].get<std::string>(), format_bytes(info["total_bytes"].get<Bytes>()),
                            info["compute_capability"].get<std::string>(), gathered["driver"].get<std::string>(),
                            gathered["driver_supports_cuda"].get<std::string>(),
                            gathered["cuda_runtime"].get<std::string>());
        if (gathered["simulated"].get<bool>()) {
            text += "SIMULATED CARDS: memory is counted, nothing is computed, and there are no speeds\n";
        }
    }
    text += fmt::format("\n  {:<28}{:>7}{:>8}{:>9}{:>10}\n", "tests", "passed", "failed", "skipped", "seconds");
    for (const Json& suite : gathered["suites"]) text += suite_line(suite);
    text += failure_lines(gathered["suites"]);

    text += fmt::format("\n  {:<16}{:>5}{:>12}{:>12}{:>8}  above 1: gpushard is better\n", "benchmark", "", "gpushard",
                        "Faiss", "ratio");
    for (const Json& row : gathered["benchmark"]["rows"]) text += measurement_line(row);
    const int status = gathered["benchmark"]["exit_status"];
    if (status != 0) text += fmt::format("  did not finish (exit status {})\n", status);
    text += fmt::format("\nresult: {}\n", gathered["result"] == "pass" ? "PASS" : "FAIL");
    return text;
}

}  // namespace gpushard::test
