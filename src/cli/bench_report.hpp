#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "bench/comparison.hpp"

namespace gpushard::cli {

/// What was measured, for people.
std::string as_table(const bench::ComparisonReport& report);

/// What was measured, as fields of the object that `bench --json` prints: `machine`, `against` and `rows`.
void add_json(nlohmann::ordered_json& json, const bench::ComparisonReport& report);

}  // namespace gpushard::cli
