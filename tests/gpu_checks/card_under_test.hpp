#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <gpushard/backend.hpp>
#include <gpushard/byte_source.hpp>
#include <gpushard/device_info.hpp>
#include <gpushard/sharded_index.hpp>

namespace gpushard::test {

/// The card that is checked, the first this process sees, as it was when first asked for; its CUDA context is open from
/// then on. Throws DeviceError saying why there is none.
const DeviceInfo& card();

/// What the driver says is free on it now.
Bytes card_free_bytes();

/// True where kernels compute: everywhere but on simulated cards that only count.
bool kernels_compute();

/// Whether the card and the linked Faiss search bfloat16.
bool card_has_bfloat16();

/// What cuBLAS takes of the card for a handle that has multiplied: no allocation of gpushard's, and in no plan.
Bytes cublas_handle_bytes();

/// A part of the card, or of the host, with a budget of its own; all of it is free for the plan.
DeviceInfo part_of_card(Bytes budget);
DeviceInfo part_of_host(Bytes budget);

/// Opens devices for a plan over `devices`, in their order.
std::vector<std::shared_ptr<Device>> open(const std::vector<DeviceInfo>& devices);

/// Plans with no reserve beyond what `options` asks for, and loads.
PlacementPlan plan_onto(const std::vector<DeviceInfo>& devices, const ByteSource& source, PlanOptions options);
ShardedIndex load_onto(const std::vector<DeviceInfo>& devices, std::shared_ptr<const ByteSource> source,
                       const PlanOptions& options);

}  // namespace gpushard::test
