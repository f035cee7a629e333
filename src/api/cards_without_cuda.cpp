#include <string>

#include <gpushard/error.hpp>

#include "api/cards.hpp"

namespace gpushard {
namespace {

DeviceError not_compiled_in(const std::string& device) {
    return DeviceError(device, device + ": no GPU support is compiled into this build of gpushard",
                       {"use the host: --devices cpu", "or build with -DGPUSHARD_CUDA=ON"});
}

}  // namespace

bool cuda_is_compiled_in() { return false; }

std::vector<DeviceInfo> list_cards() { throw not_compiled_in("cuda:all"); }

std::unique_ptr<Device> open_card(const DeviceInfo& info) { throw not_compiled_in(info.spec); }

GpuFacts card_facts(const std::filesystem::path& root) { return read_gpu_facts(root); }

DeviceInfo measure_card(const DeviceInfo& card) { throw not_compiled_in(card.spec); }

std::string risk_on_cards() { return {}; }

void refuse_unsupported_by_cards(const PlacementPlan&) {}

}  // namespace gpushard
