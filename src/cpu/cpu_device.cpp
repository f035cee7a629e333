#include "cpu/cpu_device.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <omp.h>

#include <gpushard/error.hpp>

#include "core/host_scan_memory.hpp"
#include "cpu/exact_search.hpp"
#include "cpu/faiss_shard.hpp"
#include "cpu/scan_shard.hpp"
#include "shard/spec_check.hpp"

namespace gpushard {
namespace {

class CpuDevice : public Device {
public:
    CpuDevice(const DeviceInfo& info, int threads, std::shared_ptr<DeviceBudget> shared)
        : info_(info),
          threads_(threads),
          budget_(std::make_shared<DeviceBudget>(info.spec, info.free_bytes)),
          shared_(std::move(shared)),
          granted_(std::make_shared<DeviceBudget>(info.spec, std::numeric_limits<Bytes>::max())) {}

    const DeviceInfo& info() const override { return info_; }

    // What its shards were granted of a shared budget and do not use now is its own.
    Bytes free_bytes() const override {
        const Bytes left = budget_->left();
        if (!shared_) return left;
        return std::min(left, checked_add(shared_->left(), granted_->current()) - budget_->current());
    }

    std::unique_ptr<Shard> load_shard(const ShardSpec& spec, RowFeed& feed) override {
        if (!cpu_supports(spec.index.metric)) {
            throw InvalidArgument(info_.spec + ": the Faiss this was built with does not know the metric " +
                                  to_string(spec.index.metric));
        }
        check_spec(spec, DeviceKind::cpu, info_.spec);
        if (spec.memory.peak() > free_bytes()) {
            const Bytes available = free_bytes();
            throw InsufficientMemory(info_.spec + ": the shard needs " + format_bytes(spec.memory.peak()) + ", " +
                                         format_bytes(available) + " are free",
                                     spec.memory.peak() - available,
                                     {{info_.spec, spec.memory.peak(), available, spec.memory.peak() - available}}, {},
                                     {{"device", info_.spec}});
        }
        auto claim = std::make_unique<SharedClaim>(shared_, granted_, spec.memory.peak());
        std::unique_ptr<HostShard> shard;
        if (host_scans(spec.index.metric)) {
            shard = std::make_unique<ScanShard>(spec, budget_, std::move(claim));
        } else {
            shard = std::make_unique<FaissShard>(spec, budget_, std::move(claim), threads_);
        }
        shard->fill(feed);
        return shard;
    }

private:
    const DeviceInfo info_;
    const int threads_;
    const std::shared_ptr<DeviceBudget> budget_;
    const std::shared_ptr<DeviceBudget> shared_;   ///< with other loads; may be null
    const std::shared_ptr<DeviceBudget> granted_;  ///< of it, to the shards of this device
};

}  // namespace

std::unique_ptr<Device> make_cpu_device(const DeviceInfo& info, int threads, std::shared_ptr<DeviceBudget> shared) {
    if (info.kind != DeviceKind::cpu || info.planning_only) {
        throw InvalidArgument("device " + info.spec + " is not the host, expected a specification such as cpu=2GiB");
    }
    return std::make_unique<CpuDevice>(info, std::max(1, threads), std::move(shared));
}

std::unique_ptr<Device> make_cpu_device(const DeviceInfo& info) { return make_cpu_device(info, omp_get_max_threads()); }

}  // namespace gpushard
