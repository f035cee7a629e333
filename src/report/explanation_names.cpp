#include <gpushard/explain.hpp>

namespace gpushard {

std::string_view to_string(Claim claim) {
    switch (claim) {
        case Claim::cause:
            return "cause";
        case Claim::guess:
            return "guess";
        case Claim::symptom:
            return "symptom";
        case Claim::notice:
            return "notice";
    }
    return "cause";
}

std::string_view to_string(AmountRole role) {
    switch (role) {
        case AmountRole::unknown:
            return "unknown";
        case AmountRole::whole_f32:
            return "whole_f32";
        case AmountRole::whole_f16:
            return "whole_f16";
        case AmountRole::share_f32:
            return "share_f32";
        case AmountRole::share_f16:
            return "share_f16";
        case AmountRole::norms:
            return "norms";
        case AmountRole::temp_stack:
            return "temp_stack";
        case AmountRole::pinned:
            return "pinned";
    }
    return "unknown";
}

}  // namespace gpushard
