#include <faiss/Index.h>

#include <gpushard/version.hpp>

#include "api/cards.hpp"

namespace gpushard {

std::string version() { return GPUSHARD_VERSION; }

std::string faiss_version() {
    return std::to_string(FAISS_VERSION_MAJOR) + "." + std::to_string(FAISS_VERSION_MINOR) + "." +
           std::to_string(FAISS_VERSION_PATCH);
}

std::string faiss_gpu_risk() { return risk_on_cards(); }

}  // namespace gpushard
