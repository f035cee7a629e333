#include <gpushard/version.hpp>

#include "api/cards.hpp"
#include "cuda/card_examination.hpp"
#include "cuda/card_fitness.hpp"
#include "cuda/context_measurement.hpp"
#include "cuda/cuda_device.hpp"
#include "cuda/cuda_inventory.hpp"

namespace gpushard {

bool cuda_is_compiled_in() { return true; }

std::vector<DeviceInfo> list_cards() { return cuda_cards(); }

std::string cards_left_unused() { return {}; }

std::unique_ptr<Device> open_card(const DeviceInfo& info) { return make_cuda_device(info); }

GpuFacts card_facts(const std::filesystem::path& root) { return examine_cards(root); }

DeviceInfo measure_card(const DeviceInfo& card) { return measure_cuda_context(card); }

std::string faiss_gpu_risk() { return gpu_risk_of_faiss(); }

void refuse_unsupported_by_cards(const PlacementPlan& plan) { refuse_unsupported_by_cuda(plan); }

}  // namespace gpushard
