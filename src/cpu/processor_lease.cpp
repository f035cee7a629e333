#include "cpu/processor_lease.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include <omp.h>

namespace gpushard {
namespace {

struct FreeProcessors {
    const int all = std::max(1, omp_get_num_procs());
    std::mutex mutex;
    std::condition_variable changed;
    int free = all;
};

FreeProcessors& free_processors() {
    static FreeProcessors processors;
    return processors;
}

}  // namespace

ProcessorLease::ProcessorLease(int processors) : processors_(std::clamp(processors, 1, free_processors().all)) {
    FreeProcessors& shared = free_processors();
    std::unique_lock lock(shared.mutex);
    shared.changed.wait(lock, [&] { return shared.free >= processors_; });
    shared.free -= processors_;
}

ProcessorLease::~ProcessorLease() {
    FreeProcessors& shared = free_processors();
    {
        const std::lock_guard lock(shared.mutex);
        shared.free += processors_;
    }
    shared.changed.notify_all();
}

}  // namespace gpushard
