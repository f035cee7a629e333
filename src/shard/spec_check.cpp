#include "shard/spec_check.hpp"

#include <gpushard/error.hpp>
#include <gpushard/memory_model.hpp>

namespace gpushard {
namespace {

void check_grant(const char* what, Bytes granted, Bytes needed, const std::string& device) {
    if (granted >= needed) return;
    throw InvalidArgument(device + ": the plan grants " + format_bytes(granted) + " of " + what + ", expected " +
                              format_bytes(needed) + ", what the memory model gives for the shard",
                          {},
                          {{"device", device},
                           {"granted_bytes", static_cast<std::int64_t>(granted)},
                           {"needed_bytes", static_cast<std::int64_t>(needed)}});
}

}  // namespace

void check_spec(const ShardSpec& spec, DeviceKind kind, const std::string& device) {
    if (spec.rows.count() <= 0) return;
    if (spec.tile.rows < 1 || spec.tile.queries < 1 || spec.k < 1 || spec.max_batch < 1) {
        throw InvalidArgument(device + ": a search tile of " + std::to_string(spec.tile.rows) + " rows x " +
                              std::to_string(spec.tile.queries) + " queries, k " + std::to_string(spec.k) +
                              ", batches of " + std::to_string(spec.max_batch) + ", expected at least 1 of each");
    }
    const ShardMemory needed = shard_memory(spec.workload(kind), spec.rows.count(), spec.tile);
    check_grant("resident memory", spec.memory.resident, needed.resident, device);
    check_grant("fixed memory", spec.memory.fixed, needed.fixed, device);
    check_grant("scratch", spec.memory.scratch, needed.scratch, device);
}

}  // namespace gpushard
