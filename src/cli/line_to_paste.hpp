#pragma once

#include <string>
#include <vector>

#include <gpushard/error.hpp>

namespace gpushard::cli {

/// The same error with the command that was typed, its files in the right order, as what to try; as it is where they
/// were not typed, or their order cannot be told.
InvalidArgument with_line_to_paste(const WrongParts& error, const std::vector<std::string>& typed);

}  // namespace gpushard::cli
