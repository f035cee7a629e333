#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <gpushard/device_info.hpp>
#include <gpushard/doctor.hpp>
#include <gpushard/error.hpp>
#include <gpushard/explain.hpp>
#include <gpushard/index_profile.hpp>
#include <gpushard/load.hpp>
#include <gpushard/placement_plan.hpp>
#include <gpushard/placement_planner.hpp>
#include <gpushard/sharded_index.hpp>

/// Every fact as text for people and as JSON for programs, and plans and rigs read back. JSON objects carry
/// `schema_version`, `gpushard_version` and `faiss_version`; the same value always gives the same bytes.
namespace gpushard {

inline constexpr int schema_version = 1;

std::string to_text(const IndexProfile& profile);
std::string to_json(const IndexProfile& profile);

/// A table with a line and a bar per device, then what stock Faiss would do.
std::string to_text(const PlacementPlan& plan);
std::string to_json(const PlacementPlan& plan);

/// A line a rig; precisions that take the same share one.
std::string to_text(const RigFit& fit);
std::string to_json(const RigFit& fit);

std::string to_text(const std::vector<DeviceInfo>& rig);
std::string to_json(const std::vector<DeviceInfo>& rig);

/// The plan and what loading it measured; `verified` may be null.
std::string to_text(const PlacementPlan& plan, const LoadReport& report, const VerifyReport* verified = nullptr);
std::string to_json(const PlacementPlan& plan, const LoadReport& report, const VerifyReport* verified = nullptr);

/// The checks by group, a line each; below it what to do, where one is not ok.
std::string to_text(const DoctorReport& report);
/// {"ok", "failures", "warnings", "unknown", "checks": [{"id", "group", "result", "found", "why", "remedy", "devices",
/// "numbers"}]}
std::string to_json(const DoctorReport& report);

/// The message, then the hints and what was short, one a line.
std::string to_text(const Error& error);
/// {"error": {"kind", "message", "hints", ...fields}}; "id", "meaning", "checks" and "sources" where there are any.
std::string to_json(const Error& error);

/// The same of a report that was made of an error, or has no error behind it.
std::string to_text(const ErrorReport& report);
std::string to_json(const Error& error, const ErrorReport& report);

/// Each finding as an error is printed, first cause first, with the lines that say it and what they were about; then
/// the ways out that were computed.
std::string to_text(const Explanation& explanation);
/// {"recognised", "lines_read", "bytes_read", "cards", "findings": [{"kind", "id", "message", ...}], "ways_out", ...}
std::string to_json(const Explanation& explanation);

/// Reads what to_json(PlacementPlan) wrote. `name` is what messages call the text. Every number is checked against
/// the others: a plan that was edited into nonsense is refused. Throws BadFile.
PlacementPlan plan_from_json(std::string_view json, const std::string& name = "plan");
PlacementPlan read_plan(const std::filesystem::path& path);

/// Reads a rig: what to_json(rig) wrote, or the same by hand with no more than spec, name and total_bytes a device.
/// Throws BadFile.
std::vector<DeviceInfo> rig_from_json(std::string_view json, const std::string& name = "rig");
std::vector<DeviceInfo> read_rig(const std::filesystem::path& path);

}  // namespace gpushard
