#pragma once

#include <filesystem>
#include <vector>

#include "doctor/machine_facts.hpp"

namespace gpushard::doctor {

/// Where the files of an index lie, how much of them is stored, and how much is cached. `problem` and `profile` are
/// left to who reads the index.
IndexFacts read_index_facts(const std::vector<std::filesystem::path>& files);

/// What a file system of this type number (`f_type` of statfs) is called, and where its files are.
struct FileSystem {
    std::string name;
    IndexFacts::Place place = IndexFacts::Place::unknown;
};
FileSystem file_system_of(std::uint64_t type);

}  // namespace gpushard::doctor
