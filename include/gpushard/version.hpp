#pragma once

#include <string>

namespace gpushard {

/// "0.1.0": this library.
std::string version();

/// "1.7.3": the Faiss it was built with.
std::string faiss_version();

}  // namespace gpushard
