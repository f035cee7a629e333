// memory_child INDEX DEVICES PRECISION K THREADS: loads the index and searches it from so many threads at once, and
// prints one JSON object: what was planned, what the caller's own arrays take, what the libraries took by the load's
// report, and the most that the system counted as this process's own memory above what it had before the load. A
// process of its own, because the system counts by process.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gpushard/gpushard.hpp>

namespace {

using gpushard::Bytes;

Bytes status_bytes(const std::string& name) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(name + ":")) return std::stoull(line.substr(name.size() + 1)) * 1024;
    }
    return 0;
}

/// Memory since the high-water mark was reset, without pages of files: code that is run for the first time.
class OwnMemory {
public:
    OwnMemory() {
        std::ofstream clear("/proc/self/clear_refs");
        clear << "5" << std::flush;
        if (!clear) std::exit(77);
        resident_ = status_bytes("VmRSS");
        of_files_ = status_bytes("RssFile");
    }
    Bytes peak_above_start() const {
        const Bytes peak = status_bytes("VmHWM") - resident_;
        const Bytes files = status_bytes("RssFile") - of_files_;
        return peak - std::min(peak, files);
    }

private:
    Bytes resident_ = 0;
    Bytes of_files_ = 0;
};

/// What one thread asks and is answered.
struct Caller {
    std::vector<float> queries;
    std::vector<float> distances;
    std::vector<std::int64_t> ids;
};

int measure(char** arguments) {
    gpushard::LoadOptions options;
    options.devices = arguments[2];
    options.plan.precision = gpushard::parse_precision(arguments[3]);
    options.plan.k = std::stoll(arguments[4]);
    const auto threads = static_cast<std::size_t>(std::stoul(arguments[5]));
    const std::int64_t k = options.plan.k;
    const std::int64_t nq = k > 10'000 ? 4 : 64;

    const OwnMemory memory;
    const gpushard::ShardedIndex index = gpushard::load(arguments[1], options);
    std::vector<Caller> callers(threads);
    Bytes of_callers = 0;
    for (Caller& caller : callers) {
        caller.queries.assign(static_cast<std::size_t>(nq * index.dim()), 0.25F);
        caller.distances.resize(static_cast<std::size_t>(nq * k));
        caller.ids.resize(static_cast<std::size_t>(nq * k));
        of_callers += caller.queries.size() * 4 + caller.distances.size() * 4 + caller.ids.size() * 8;
    }
    std::vector<std::thread> running;
    for (Caller& caller : callers) {
        running.emplace_back(
            [&] { index.search(nq, caller.queries.data(), k, caller.distances.data(), caller.ids.data()); });
    }
    for (std::thread& thread : running) thread.join();
    std::printf(R"({"planned": %llu, "answers": %llu, "callers": %llu, "libraries": %llu, "measured": %llu})"
                "\n",
                static_cast<unsigned long long>(index.plan().host_peak_bytes()),
                static_cast<unsigned long long>(index.host_search_peak_bytes()),
                static_cast<unsigned long long>(of_callers),
                static_cast<unsigned long long>(index.load_report().host_library_bytes),
                static_cast<unsigned long long>(memory.peak_above_start()));
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 6) return 2;
    try {
        return measure(argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
