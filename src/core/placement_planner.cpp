#include <gpushard/placement_planner.hpp>

#include "core/placement_alternatives.hpp"
#include "core/plan_request.hpp"
#include "core/try_plan.hpp"

namespace gpushard {

PlacementPlan plan_placement(const IndexProfile& index, const std::vector<DeviceInfo>& devices,
                             const PlanOptions& options) {
    validate_request(index, options);
    validate_devices(index, devices, options);
    validate_spill(devices, options);
    std::optional<PlacementPlan> plan = try_plan(index, devices, options);
    if (!plan) throw refusal(index, devices, options);
    plan->stock_faiss = simulate_stock_faiss(index, plan->precision, devices);
    return *std::move(plan);
}

}  // namespace gpushard
