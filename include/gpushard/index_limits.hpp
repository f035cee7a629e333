#pragma once

#include <cstdint>

namespace gpushard {

/// The most dimensions of an index. Faiss itself reads no file with more (impl/index_read.cpp, read_index_header).
inline constexpr std::int32_t largest_dim = 1 << 20;

}  // namespace gpushard
