#pragma once

#include <cstddef>
#include <vector>

namespace simcuda {

/// Part of a range of host memory.
struct SourcePart {
    std::size_t bytes = 0;
    bool hole = false;  ///< zeros that need not be read
};

/// Cuts a range of host memory where a file mapped read-only begins and ends to have holes: a sparse index of 64 GB
/// would otherwise be drawn through the page cache, page by page. One part, to be read, for all other memory.
std::vector<SourcePart> source_parts(const void* data, std::size_t bytes);

}  // namespace simcuda
