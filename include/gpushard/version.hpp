#pragma once

#include <string>

namespace gpushard {

/// "0.1.0": this library.
std::string version();

/// "1.7.3": the Faiss it was built with.
std::string faiss_version();

/// Why the GPU code of the Faiss it was built with must not run on a real card; empty where it may, and in a build
/// without CUDA. Such a card is refused unless the environment says GPUSHARD_ALLOW_UNSAFE_FAISS=1.
std::string faiss_gpu_risk();

}  // namespace gpushard
