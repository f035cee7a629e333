#pragma once

#include <string_view>

namespace gpushard {

/// The Faiss class that writes files with this type code; empty for a code no version of Faiss has used.
std::string_view class_name(std::string_view fourcc);

}  // namespace gpushard
