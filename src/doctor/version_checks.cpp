#include <algorithm>
#include <cstdio>
#include <tuple>

#include "device/no_cards.hpp"
#include "doctor/checks.hpp"

namespace gpushard::doctor {
namespace {

/// "12.4" of 12040.
std::string cuda_version(int version) {
    return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

int major_of(int version) { return version / 1000; }

/// Cards that this machine has by any sign.
std::size_t cards_there(const MachineFacts& facts) {
    return std::max(facts.gpu.cards.size(), static_cast<std::size_t>(std::max(0, facts.gpu.machine.cards_on_pci_bus)));
}

bool driver_is_there(const MachineFacts& facts) {
    return facts.gpu.management_library || facts.gpu.machine.driver_library_loads ||
           facts.gpu.machine.driver_version > 0;
}

std::string first_or(const std::vector<std::string>& lines, const std::string& otherwise) {
    return lines.empty() ? otherwise : lines.front();
}

/// Faiss up to 1.7.3 has neither cuVS nor RAFT, which came before it.
bool is_before_cuvs(const std::string& version) {
    int major = 0;
    int minor = 0;
    int patch = 0;
    if (std::sscanf(version.c_str(), "%d.%d.%d", &major, &minor, &patch) != 3) return false;
    return std::make_tuple(major, minor, patch) <= std::make_tuple(1, 7, 3);
}

/// What is worse where the cards are what was asked for.
Answer grave_where_wanted(const MachineFacts& facts, std::string found, std::string why, std::string remedy) {
    if (!facts.cards_wanted) return warning(std::move(found), std::move(why), std::move(remedy));
    return failure(ErrorKind::device, std::move(found), std::move(why), std::move(remedy));
}

}  // namespace

Answer check_gpu_support(const MachineFacts& facts) {
    if (facts.gpu.compiled_in) return ok(facts.gpu.simulated ? "compiled in; the cards are simulated" : "compiled in");
    const std::size_t cards = cards_there(facts);
    if (cards == 0 && !driver_is_there(facts) && !facts.cards_wanted) {
        return ok("none is compiled in, and no NVIDIA driver or card is here: searches run on the host");
    }
    return grave_where_wanted(facts, "none is compiled into this build, and the machine has " + count_of(cards, "card"),
                              "no card is used, whatever is installed",
                              "build gpushard with -DGPUSHARD_CUDA=ON and a Faiss with GPU support");
}

Answer check_driver(const MachineFacts& facts) {
    const NoCardFacts& machine = facts.gpu.machine;
    if (driver_is_there(facts)) {
        std::string found = facts.gpu.driver_name.empty() ? "version not told" : facts.gpu.driver_name;
        if (machine.driver_version > 0) found += ", for CUDA up to " + cuda_version(machine.driver_version);
        if (facts.gpu.management_library) {
            return ok(found,
                      {{"cuda_version", std::int64_t{machine.driver_version}}, {"version", facts.gpu.driver_name}});
        }
        return warning(found + ", but without its management library",
                       "libnvidia-ml.so.1 does not answer: health of the cards and who uses them cannot be told",
                       "install it with the driver; in a container, ask for the driver capability 'utility'");
    }
    if (!facts.cards_wanted && cards_there(facts) == 0) return std::nullopt;
    const NoCardReason reason = explain_no_cards(machine);
    return grave_where_wanted(facts, reason.what, "without a driver there is no card to use",
                              first_or(reason.hints, "install the NVIDIA driver"));
}

Answer check_runtime(const MachineFacts& facts) {
    const int driver = facts.gpu.machine.driver_version;
    const int runtime = facts.gpu.machine.runtime_version;
    if (!facts.gpu.compiled_in || driver == 0 || runtime == 0) return std::nullopt;
    const std::vector<ErrorField> numbers = {{"runtime_version", std::int64_t{runtime}},
                                             {"driver_version", std::int64_t{driver}}};
    const std::string versions = "CUDA " + cuda_version(runtime) + ", the driver goes up to " + cuda_version(driver);
    if (driver >= runtime) return ok(versions, numbers);
    const std::string remedy = "update the NVIDIA driver to one for CUDA " + cuda_version(runtime);
    if (major_of(driver) == major_of(runtime)) {
        return warning(versions, "within a major version this works, but code that is there as PTX only does not",
                       remedy, numbers);
    }
    return failure(ErrorKind::device, versions, "the driver is older than the runtime: every call fails", remedy,
                   numbers);
}

Answer check_faiss(const MachineFacts& facts) {
    const std::string found =
        facts.faiss_version + (facts.faiss_options.empty() ? "" : ", compiled with " + facts.faiss_options);
    const std::vector<ErrorField> numbers = {{"version", facts.faiss_version}, {"options", facts.faiss_options}};
    if (facts.gpu.faiss_risk.empty()) return ok(found, numbers);
    const std::string remedy = "link Faiss 1.8 or newer, 1.14.3 or newer recommended: -DCMAKE_PREFIX_PATH=DIR";
    const bool on_real_cards =
        !facts.gpu.simulated && std::any_of(facts.gpu.cards.begin(), facts.gpu.cards.end(), works);
    if (on_real_cards && !facts.gpu.risk_allowed) {
        return failure(ErrorKind::device, found, facts.gpu.faiss_risk + ": they are refused", remedy, numbers);
    }
    return warning(found, facts.gpu.faiss_risk, remedy, numbers);
}

Answer check_paging(const MachineFacts& facts) {
    if (!facts.gpu.compiled_in) return std::nullopt;
    if (is_before_cuvs(facts.faiss_version)) return ok("Faiss copies vectors to a card in pages (before cuVS)");
    if (facts.faiss_options.find("CUVS") == std::string::npos &&
        facts.faiss_options.find("RAFT") == std::string::npos) {
        return facts.faiss_options.find("GPU") != std::string::npos
                   ? ok("Faiss copies vectors to a card in pages (no cuVS in this build)")
                   : unknown("whether this Faiss copies vectors to a card in pages",
                             "it does not say whether it was built with cuVS, which turns pages off",
                             "set use_cuvs = false where you call Faiss's own cloners");
    }
    return warning("Faiss is built with cuVS, which copies all vectors of a card at once",
                   "its own cloners then need up to four times a float16 shard on every card; gpushard's loads do not",
                   "set use_cuvs = false in GpuClonerOptions where you call Faiss's own cloners");
}

}  // namespace gpushard::doctor
