#include "cuda/card_fitness.hpp"

#include <cstdlib>
#include <dlfcn.h>
#include <tuple>

#include <faiss/Index.h>

#include <gpushard/error.hpp>
#include <gpushard/version.hpp>

#include "cuda/own_device_code.hpp"
#include "device/device_code.hpp"
#include "log/log.hpp"

namespace gpushard {
namespace {

constexpr const char* permission = "GPUSHARD_ALLOW_UNSAFE_FAISS";

}  // namespace

void refuse_unfit_card(const DeviceInfo& card) {
    refuse_without_code(card);
    refuse_unsafe_faiss(card);
}

void refuse_without_code(const DeviceInfo& card) {
    const auto capability = parse_compute_capability(card.compute_capability);
    const std::vector<DeviceCode>& codes = faiss_device_code();
    if (!capability || codes.empty() || any_runs_on(codes, *capability)) return;
    const std::string wanted = std::to_string(capability->major) + std::to_string(capability->minor);
    throw DeviceError(card.spec,
                      card.spec + " (" + card.name + ") has compute capability " + card.compute_capability +
                          ", and this Faiss has no code for sm_" + wanted + ": it has " + list_names(codes),
                      {"link a Faiss built with CMAKE_CUDA_ARCHITECTURES containing " + wanted,
                       "use other cards, or the host: --devices cpu"},
                      {{"compute_capability", card.compute_capability}, {"faiss_code", list_names(codes)}});
}

void refuse_risk(const DeviceInfo& card, const FaissRisk& found) {
    if (found.risk.empty() || found.simulated) return;
    if (found.allowed) {
        log_warn("{}: {}; {} lets it be used all the same", card.spec, found.risk, permission);
        return;
    }
    throw DeviceError(card.spec, card.spec + " (" + card.name + ") is a real card, and " + found.risk,
                      {"link Faiss 1.8 or newer, 1.14.3 or newer recommended: -DCMAKE_PREFIX_PATH=DIR",
                       std::string("take the risk of wrong answers: ") + permission + "=1"},
                      {{"faiss_version", faiss_version()}});
}

void refuse_unsafe_faiss(const DeviceInfo& card) {
    refuse_risk(card, {gpu_risk_of_faiss(), cards_are_simulated(), risk_on_cards_is_allowed()});
}

bool risk_on_cards_is_allowed() {
    const char* const value = std::getenv(permission);
    return value != nullptr && std::string(value) == "1";
}

bool cards_are_simulated() { return dlsym(RTLD_DEFAULT, "simcuda_computes") != nullptr; }

std::string gpu_risk_of_faiss(int major, int minor) {
    if (std::make_tuple(major, minor) >= std::make_tuple(1, 8)) return {};
    return "the GPU code of Faiss before 1.8 is not safe on real cards under CUDA 12 and later";
}

std::string gpu_risk_of_faiss() { return gpu_risk_of_faiss(FAISS_VERSION_MAJOR, FAISS_VERSION_MINOR); }

}  // namespace gpushard
