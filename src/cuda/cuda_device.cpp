#include "cuda/cuda_device.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <gpushard/error.hpp>

#include "cuda/card_fitness.hpp"
#include "cuda/cuda_check.hpp"
#include "cuda/cuda_inventory.hpp"
#include "cuda/cuda_shard.hpp"
#include "cuda/faiss_gpu_compat.hpp"
#include "shard/spec_check.hpp"

namespace gpushard {
namespace {

/// A plan that was typed or made elsewhere may not say what the card can run.
DeviceInfo with_capability(DeviceInfo info, int ordinal) {
    if (!info.compute_capability.empty()) return info;
    int major = 0;
    int minor = 0;
    check_cuda(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, ordinal), info.spec,
               "cudaDeviceGetAttribute");
    check_cuda(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, ordinal), info.spec,
               "cudaDeviceGetAttribute");
    info.compute_capability = std::to_string(major) + "." + std::to_string(minor);
    return info;
}

class CudaDevice final : public Device {
public:
    CudaDevice(const DeviceInfo& info, CudaDeviceOptions options, int ordinal)
        : info_(info),
          options_(std::move(options)),
          ordinal_(ordinal),
          budget_(std::make_shared<DeviceBudget>(info.spec,
                                                 info.free_bytes - std::min(info.free_bytes, info.context_bytes))) {}

    const DeviceInfo& info() const override { return info_; }

    Bytes free_bytes() const override {
        const CurrentCard current(ordinal_, info_.spec);
        return std::min(budget_->left(), free_on_current_card(info_.spec));
    }

    std::unique_ptr<Shard> load_shard(const ShardSpec& spec, RowFeed& feed) override {
        refuse_unsupported(spec);
        check_spec(spec, DeviceKind::cuda, info_.spec);
        const Bytes free = free_bytes();
        if (spec.memory.peak() > free) {
            const Bytes lacking = spec.memory.peak() - free;
            throw InsufficientMemory(info_.spec + ": the shard needs " + format_bytes(spec.memory.peak()) + ", " +
                                         format_bytes(free) + " are free",
                                     lacking, {{info_.spec, spec.memory.peak(), free, lacking}}, {},
                                     {{"device", info_.spec},
                                      {"asked_bytes", static_cast<std::int64_t>(spec.memory.peak())},
                                      {"free_bytes", static_cast<std::int64_t>(free)},
                                      {"held_bytes", static_cast<std::int64_t>(budget_->current())}});
        }
        std::unique_ptr<CudaShard> shard = make_shard(spec);
        shard->allocate();
        shard->fill(feed);
        return shard;
    }

private:
    static void refuse_unsupported(const ShardSpec& spec) {
        if (spec.precision == Precision::bf16 && !faiss_compat::searches_bfloat16) {
            throw InvalidArgument("the Faiss this was built with does not search bfloat16, expected f32 or f16");
        }
    }

    std::unique_ptr<CudaShard> make_shard(const ShardSpec& spec) {
        const CurrentCard current(ordinal_, info_.spec);
        // Faiss would abort on a card that does not answer.
        check_cuda(cudaDeviceSynchronize(), info_.spec, "cudaDeviceSynchronize");
        if (options_.resources) {
            if (options_.stream != nullptr) options_.resources->setDefaultStream(ordinal_, options_.stream);
            return std::make_unique<CudaShard>(spec, info_.spec, ordinal_, options_.resources, nullptr);
        }
        auto resources = DeviceResources::create(
            budget_, {.ordinal = ordinal_, .temp_stack = spec.memory.fixed, .before_allocation = {}});
        if (options_.stream != nullptr) resources->setDefaultStream(ordinal_, options_.stream);
        const MemoryLedger* const ledger = &resources->ledger();
        return std::make_unique<CudaShard>(spec, info_.spec, ordinal_, std::move(resources), ledger);
    }

    const DeviceInfo info_;
    const CudaDeviceOptions options_;
    const int ordinal_;
    const std::shared_ptr<DeviceBudget> budget_;
};

}  // namespace

std::unique_ptr<Device> make_cuda_device(const DeviceInfo& info, const CudaDeviceOptions& options) {
    if (info.kind != DeviceKind::cuda || info.planning_only) {
        throw InvalidArgument("device " + info.spec + " is no card of this machine, expected one such as cuda:0");
    }
    const int ordinal = ordinal_of_card(info);
    refuse_unfit_card(with_capability(info, ordinal));
    return std::make_unique<CudaDevice>(info, options, ordinal);
}

void refuse_unsupported_by_cuda(const PlacementPlan& plan) {
    for (const ShardPlacement& placement : plan.devices) {
        if (placement.device.kind != DeviceKind::cuda || placement.rows.count() == 0) continue;
        if (plan.precision == Precision::bf16 && !faiss_compat::searches_bfloat16) {
            throw InvalidArgument(placement.device.spec +
                                  ": the Faiss this was built with does not search bfloat16, expected f32 or f16");
        }
        if (std::min(plan.options.k, placement.rows.count()) > faiss_compat::most_neighbors) {
            throw InvalidArgument(placement.device.spec + ": k is " + std::to_string(plan.options.k) +
                                  ", expected at most " + std::to_string(faiss_compat::most_neighbors) +
                                  ", what Faiss selects on a card");
        }
    }
}

}  // namespace gpushard
