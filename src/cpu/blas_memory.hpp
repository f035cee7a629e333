#pragma once

/// What BLAS and OpenMP take for themselves at their first call, inside code that cannot fail: OpenBLAS asks for its
/// buffers again and again until it gets them, and libgomp ends the process when it gets no thread. So it is taken
/// beforehand, where a refusal is an error.
namespace gpushard {

/// Has BLAS keep as many buffers as `callers` threads at once, each on `threads` OpenMP threads, take. Does nothing
/// where BLAS is not OpenBLAS. Throws InsufficientMemory where the process may not map them. Thread-safe.
void reserve_blas_memory(int callers, int threads);

/// Throws InsufficientMemory where the process may not start so many threads more.
void check_threads_can_start(int threads);

/// Has OpenMP start its threads for regions of the calling thread. Throws as check_threads_can_start.
void start_omp_threads(int threads);

}  // namespace gpushard
