#pragma once

#include <string>
#include <vector>

#include "report/json_reader.hpp"
#include "report/json_values.hpp"

/// The paths of an index in JSON. A path is bytes and JSON is UTF-8: where one of them is not UTF-8, "files" shows it
/// with U+FFFD, and "files_percent_encoded" has all of them again with every byte that is not a letter, a digit or one
/// of `-._~/` as %XX.
namespace gpushard {

/// {"files": [...]}, and "files_percent_encoded" where it is needed.
Json files_value(const std::vector<std::string>& files);

/// The paths that `profile` lists, byte for byte. Throws BadFile, also where both lists are there and differ.
std::vector<std::string> stored_files(const JsonReader& profile);

}  // namespace gpushard
