#include "hostile_job.hpp"

#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "under_preload.hpp"

namespace gpushard::test {
namespace {

namespace fs = std::filesystem;

constexpr std::int32_t dim = 8;

std::string old_content(const std::string& name) { return "what " + name + " was"; }

Arguments arguments_of(const std::string& name) {
    if (name == "load") return {"load", "flat.index", "--devices", "cpu=64MiB*2", "--verify", "5"};
    if (name == "search") {
        return {"search", "flat.index", "--devices", "cpu=64MiB*2", "--queries",     "queries.npy", "--max-batch",
                "16",     "--out",      "ids.npy",   "--distances", "distances.npy", "--force"};
    }
    if (name == "generate") {
        return {"generate", "--out",         "made.index", "--count",   "200", "--dim",      "8",  "--queries",
                "made.npy", "--query-count", "20",         "--threads", "2",   "--clusters", "10", "--force"};
    }
    throw std::logic_error("no such job");
}

std::vector<std::string> outputs_of(const std::string& name) {
    if (name == "search") return {"ids.npy", "distances.npy"};
    if (name == "generate") return {"made.index", "made.npy"};
    return {};
}

}  // namespace

HostileJob::HostileJob(const std::string& name) : name_(name), arguments_(arguments_of(name)) {
    if (name != "generate") inputs_["flat.index"] = flat_index(uniform_rows(300, dim, 1), Metric::l2);
    if (name == "search") inputs_["queries.npy"] = query_npy(uniform_rows(40, dim, 2));
    for (const auto& [input, content] : inputs_) write_file(folder_ / input, content);
    const std::vector<std::string> outputs = outputs_of(name);
    for (const std::string& one : outputs) outputs_[one];
    const ChildResult undisturbed = run_anew();
    if (undisturbed.exit_code != 0) throw std::runtime_error("undisturbed, and yet: " + undisturbed.err);
    for (const std::string& one : outputs) outputs_[one] = output(one);
}

ChildResult HostileJob::run_anew(const std::vector<std::string>& environment) {
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
        if (!inputs_.contains(entry.path().filename().string())) fs::remove_all(entry.path());
    }
    put_old_outputs();
    return run_again(environment);
}

ChildResult HostileJob::run_again(const std::vector<std::string>& environment) {
    ChildSetup setup;
    setup.folder = folder_.path().string();
    setup.patience = std::chrono::seconds(60);
    fs::remove(reports_ / "calls");
    setup.environment = preload_environment(environment);
    setup.environment.push_back("CALLS_REPORT=" + (reports_ / "calls").string());
    // As many threads, and so as many calls, on every machine.
    setup.environment.emplace_back("OMP_NUM_THREADS=2");
    Arguments arguments = arguments_;
    arguments.insert(arguments.end(), {"--quiet", "--log-level", "error"});
    return run_gpushard(arguments, setup);
}

void HostileJob::put_old_outputs() const {
    for (const auto& [name, content] : outputs_) write_file(folder_ / name, old_content(name));
}

CallsReport HostileJob::calls() const {
    CallsReport report;
    if (!fs::exists(reports_ / "calls")) return report;
    std::istringstream lines(read_file(reports_ / "calls"));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string what;
        std::string kind;
        words >> what >> kind;
        if (what == "failed") report.failed_at = line;
        if (what == "calls") words >> report.counts[kind];
    }
    return report;
}

void HostileJob::expect_whole_outputs() const {
    for (const auto& [name, content] : outputs_) {
        const std::string now = output(name);
        EXPECT_TRUE(now == old_content(name) || now == content) << name << " has " << now.size() << " bytes";
    }
}

void HostileJob::expect_old_outputs() const {
    for (const auto& [name, content] : outputs_) EXPECT_EQ(output(name), old_content(name)) << name;
}

void HostileJob::expect_right_outputs() const {
    for (const auto& [name, content] : outputs_) EXPECT_TRUE(output(name) == content) << name;
}

void HostileJob::expect_nothing_else() const {
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
        const std::string name = entry.path().filename().string();
        EXPECT_TRUE(inputs_.contains(name) || outputs_.contains(name)) << "left behind: " << name;
    }
    for (const auto& [name, content] : inputs_) EXPECT_TRUE(output(name) == content) << name;
}

}  // namespace gpushard::test
