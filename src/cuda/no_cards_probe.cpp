#include "cuda/no_cards_probe.hpp"

#include <cuda_runtime_api.h>

#include "device/card_files.hpp"
#include "device/management_library.hpp"
#include "log/log.hpp"

namespace gpushard {
namespace {

std::optional<std::vector<std::string>> cards_of_machine() {
    const ManagementLibrary* const library = ManagementLibrary::find();
    if (library == nullptr) return std::nullopt;
    return library->card_uuids();
}

}  // namespace

void add_runtime_facts(NoCardFacts& facts, int runtime_error) {
    const auto error = static_cast<cudaError_t>(runtime_error == cudaSuccess ? cudaErrorNoDevice : runtime_error);
    facts.runtime_error = std::string(cudaGetErrorName(error)) + ": " + cudaGetErrorString(error);
    facts.driver_is_too_old = error == cudaErrorInsufficientDriver;
    if (cudaDriverGetVersion(&facts.driver_version) != cudaSuccess) facts.driver_version = 0;
    if (cudaRuntimeGetVersion(&facts.runtime_version) != cudaSuccess) facts.runtime_version = CUDART_VERSION;
}

DeviceError no_cards(int runtime_error) {
    NoCardFacts facts = read_card_files();
    add_runtime_facts(facts, runtime_error);
    facts.driver_library_loads = driver_library_loads();
    facts.visible_devices = environment_value("CUDA_VISIBLE_DEVICES");
    facts.cards = cards_of_machine();
    const NoCardReason reason = explain_no_cards(facts);
    return DeviceError("cuda:all", "no card to use: " + reason.what, reason.hints,
                       {{"cuda_error", facts.runtime_error},
                        {"driver_version", std::int64_t{facts.driver_version}},
                        {"runtime_version", std::int64_t{facts.runtime_version}}});
}

void warn_about_hidden_cards() {
    const auto value = environment_value("CUDA_VISIBLE_DEVICES");
    if (!value) return;
    if (const auto problem = explain_visible_devices(*value, cards_of_machine())) {
        log_warn("CUDA_VISIBLE_DEVICES={} {}", *value, *problem);
    }
}

}  // namespace gpushard
