#include <string>

#include <gpushard/error.hpp>
#include <gpushard/version.hpp>

#include "api/cards.hpp"
#include "device/card_files.hpp"
#include "device/unused_cards.hpp"

namespace gpushard {
namespace {

constexpr const char* not_compiled_in = "no GPU support is compiled into this build of gpushard";

std::vector<std::string> ways_out() {
    return {"use the host: --devices cpu", "plan for cards by name: --devices 4xA100-40GB",
            "or build with -DGPUSHARD_CUDA=ON"};
}

DeviceError refusal(const std::string& device) {
    return DeviceError(device, device + ": " + not_compiled_in, ways_out());
}

}  // namespace

bool cuda_is_compiled_in() { return false; }

std::vector<DeviceInfo> list_cards() {
    const std::string here = cards_left_unused();
    throw DeviceError("cuda:all", not_compiled_in + (here.empty() ? "" : ", though " + here), ways_out());
}

std::string cards_left_unused() { return unused_cards(read_card_files()); }

std::unique_ptr<Device> open_card(const DeviceInfo& info) { throw refusal(info.spec); }

GpuFacts card_facts(const std::filesystem::path& root) { return read_gpu_facts(root); }

DeviceInfo measure_card(const DeviceInfo& card) { throw refusal(card.spec); }

std::string faiss_gpu_risk() { return {}; }

void refuse_unsupported_by_cards(const PlacementPlan&) {}

}  // namespace gpushard
