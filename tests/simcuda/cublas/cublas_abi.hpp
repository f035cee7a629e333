#pragma once

// The part of cuBLAS's binary interface that the stand-in serves, the same in CUDA 12 and 13, so that no header of
// either is needed: enumerations are ints. https://docs.nvidia.com/cuda/cublas/

namespace cublas {

enum class Type : int { f32 = 0, f16 = 2, bf16 = 14 };

enum Status : int {
    success = 0,
    not_initialized = 1,
    alloc_failed = 3,
    invalid_value = 7,
    arch_mismatch = 8,
    mapping_error = 11,
    execution_failed = 13,
    internal_error = 14,
    not_supported = 15,
    license_error = 16,
};

struct Context;
using Handle = Context*;
using Stream = void*;

}  // namespace cublas
