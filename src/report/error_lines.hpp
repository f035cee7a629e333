#pragma once

#include <string>

#include <gpushard/error.hpp>

#include "report/json_values.hpp"

/// The parts in which every report of an error is printed, whoever raised it.
namespace gpushard {

std::string meaning_lines(const ErrorReport& report);
std::string detail_lines(const ErrorReport& report);
std::string remedy_lines(const ErrorReport& report);  ///< "  try: ..."
std::string check_lines(const ErrorReport& report);   ///< "  check: ...", "  see: ..."

/// {"kind", "message", "hints", ..., fields}
Json json_value(const ErrorReport& report);

}  // namespace gpushard
