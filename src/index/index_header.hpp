#pragma once

#include <cstdint>

#include <gpushard/index_profile.hpp>

#include "index/index_cursor.hpp"

namespace gpushard {

/// The fields that every float index begins with after its type code.
struct IndexHeader {
    IndexField<std::int32_t> dim;
    IndexField<std::int64_t> count;
    Metric metric = Metric::l2;
    float metric_arg = 0;
};

/// Reads the header and checks each field by itself. Throws BadFile.
IndexHeader read_index_header(IndexCursor& cursor);

}  // namespace gpushard
