#pragma once

#include <filesystem>
#include <optional>

namespace gpushard {

/// Processors that this process may run on.
int usable_processors();

/// The processors' worth of time that control groups grant this process; nothing where they do not limit it. `root`
/// stands for "/".
std::optional<double> processor_quota(const std::filesystem::path& root = "/");

/// Threads for searches on the host where nobody says how many: as many as there are processors for this process, and
/// no more than OMP_NUM_THREADS says.
int default_threads();

}  // namespace gpushard
