#pragma once

#include <gpushard/index_profile.hpp>

#include "index/index_cursor.hpp"

namespace gpushard {

/// Reads what follows the type code of a flat index into `profile`, up to its vectors. Throws BadFile.
void read_flat_index(IndexCursor& cursor, IndexProfile& profile);

}  // namespace gpushard
