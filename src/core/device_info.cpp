#include <gpushard/device_info.hpp>

namespace gpushard {

std::string_view to_string(DeviceKind kind) { return kind == DeviceKind::cuda ? "cuda" : "cpu"; }

}  // namespace gpushard
