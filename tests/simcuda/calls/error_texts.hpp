#pragma once

#include <cuda_runtime_api.h>

namespace simcuda {

struct ErrorText {
    cudaError_t error;
    const char* name;
    const char* text;  ///< word for word what the runtime says
};

const ErrorText& text_of(cudaError_t error);

}  // namespace simcuda
