#include <faiss/Index.h>

#include <gpushard/version.hpp>

namespace gpushard {

std::string version() { return GPUSHARD_VERSION; }

std::string faiss_version() {
    return std::to_string(FAISS_VERSION_MAJOR) + "." + std::to_string(FAISS_VERSION_MINOR) + "." +
           std::to_string(FAISS_VERSION_PATCH);
}

}  // namespace gpushard
