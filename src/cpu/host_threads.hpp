#pragma once

#include <string>

#include <gpushard/error.hpp>

/// Threads of the host are started when an index is loaded, where a refusal is an error: later OpenMP would end the
/// process.
namespace gpushard {

/// What to say where `started` of `needed` threads could be started.
InsufficientMemory too_few_threads(int needed, int started, const std::string& problem);

/// Throws InsufficientMemory where the process may not start so many threads more.
void check_threads_can_start(int threads);

/// Has OpenMP start its threads for regions of the calling thread. Throws as check_threads_can_start.
void start_omp_threads(int threads);

}  // namespace gpushard
