#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "gpu_checks/measurements.hpp"

namespace gpushard::test {

/// The card and the software that drives it, as JSON.
nlohmann::ordered_json card_facts();

nlohmann::ordered_json to_json(const std::vector<Measurement>& measurements);

/// What run.sh left in its folder of results: suites.txt with the name, exit status and file name of each suite, what
/// GoogleTest wrote for those that came to their end, and the benchmark's JSON.
struct Results {
    std::filesystem::path folder;
    std::string commit;
    std::string date;
    int benchmark_status = 0;
};

/// All of it as one object, with "result": "pass" or "fail". A suite that ended without a report has failed. Throws
/// std::runtime_error for a folder without suites.txt.
nlohmann::ordered_json gather(const Results& results);

/// The table that run.sh prints last.
std::string summary(const nlohmann::ordered_json& gathered);

}  // namespace gpushard::test
