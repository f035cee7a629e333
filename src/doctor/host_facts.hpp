#pragma once

#include <filesystem>

#include "doctor/machine_facts.hpp"

namespace gpushard::doctor {

/// Memory, limits, processors and BLAS, as this process has them; `root` stands for "/" where files are read.
HostFacts read_host_facts(const std::filesystem::path& root = "/");

/// The BLAS that answers in this process.
BlasFacts find_blas();

/// What `file`, as the dynamic linker loaded it, is a BLAS of.
BlasKind blas_kind_of(const std::string& file);

}  // namespace gpushard::doctor
