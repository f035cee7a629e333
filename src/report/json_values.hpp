#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include <gpushard/device_info.hpp>
#include <gpushard/index_profile.hpp>
#include <gpushard/placement_plan.hpp>

namespace gpushard {

using Json = nlohmann::ordered_json;

/// {"schema_version", "gpushard_version", "faiss_version"}: what every object begins with.
Json json_header();

Json json_value(const IndexProfile& profile);
Json json_value(const DeviceInfo& device);
Json json_value(const PlanOptions& options);

/// All of a plan but the header, with "fits": true.
Json json_value(const PlacementPlan& plan);

/// Appends the members of `more` to `object`.
void append(Json& object, Json more);

/// Two spaces of indent and a newline at the end. Text that is not UTF-8 is made so, and nothing in it drives a
/// terminal.
std::string dump(const Json& json);

}  // namespace gpushard
