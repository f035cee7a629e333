#pragma once

#include <optional>
#include <string>

#include <gpushard/placement_plan.hpp>

/// What a plan must be, wherever it comes from: the same rules for one that is read and one that was made in memory.
namespace gpushard {

/// A value that contradicts the rest of a plan, at its place in the plan's JSON.
struct PlanFault {
    std::string field;  ///< "devices[1].tile.rows"
    std::string value;
    std::string expected;
};

/// Who opens the devices of a plan. The caller's own may take another memory than the memory model says, and what they
/// have free is theirs to say.
enum class DevicesOf { machine, caller };

/// The first fault of a plan. Searched as it stands, a plan without one takes no more than it says.
std::optional<PlanFault> find_plan_fault(const PlacementPlan& plan, DevicesOf devices);

/// Throws InvalidArgument for a plan with a fault: "plan: FIELD is VALUE, expected EXPECTED".
void check_plan(const PlacementPlan& plan, DevicesOf devices);

}  // namespace gpushard
