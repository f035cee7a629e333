#pragma once

#include <memory>
#include <stop_token>

#include <gpushard/byte_source.hpp>

#include "cli/spooled_source.hpp"

namespace gpushard::cli {

/// The array of queries (see choose_queries) of the .npz archive that `descriptor`, a file called `name`, is open on:
/// unpacked, a .npy file. `descriptor` stays the caller's. Throws BadFile and Cancelled.
std::shared_ptr<SpooledSource> unpack_npz(int descriptor, const std::string& name, const std::stop_token& stop);

}  // namespace gpushard::cli
