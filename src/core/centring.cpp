#include <gpushard/placement_plan.hpp>

namespace gpushard {

std::string_view to_string(Centring centring) {
    switch (centring) {
        case Centring::none:
            return "none";
        case Centring::if_far:
            return "if far";
        case Centring::always:
            return "always";
    }
    return "none";
}

Centring planned_centring(DeviceKind kind, Precision precision, Metric metric) {
    const bool may_shift =
        metric == Metric::inner_product || metric == Metric::l2 || metric == Metric::l1 || metric == Metric::linf;
    if (!may_shift) return Centring::none;
    if (precision != Precision::f32) return Centring::always;
    return kind == DeviceKind::cuda && metric == Metric::l2 ? Centring::if_far : Centring::none;
}

}  // namespace gpushard
