#include <cmath>

#include <gpushard/error.hpp>
#include <gpushard/placement_planner.hpp>

#include "doctor/checks.hpp"

namespace gpushard::doctor {
namespace {

std::string percent(double part) { return std::to_string(std::llround(part * 100)) + " %"; }

std::string on_file_system(const IndexFacts& index) {
    return index.file_system.empty() ? "a file system without a name" : index.file_system;
}

bool can_be_read(const MachineFacts& facts) { return facts.index && facts.index->problem.empty(); }

Bytes largest_peak(const PlacementPlan& plan) {
    Bytes largest = 0;
    for (const ShardPlacement& shard : plan.devices) largest = std::max(largest, shard.memory.peak());
    return largest;
}

}  // namespace

Answer check_index_file(const MachineFacts& facts) {
    if (!facts.index) return std::nullopt;
    const IndexFacts& index = *facts.index;
    if (!index.problem.empty()) {
        return failure(ErrorKind::bad_file, index.problem, "it cannot be loaded",
                       index.hint.empty() ? "gpushard inspect shows what is in a file" : index.hint);
    }
    return ok(
        std::to_string(index.profile.count) + " x " + std::to_string(index.profile.dim) + " " +
            to_string(index.profile.metric) + ", " + format_bytes(index.bytes),
        {size_field("bytes", index.bytes), {"count", index.profile.count}, {"dim", std::int64_t{index.profile.dim}}});
}

Answer check_file_system(const MachineFacts& facts) {
    if (!can_be_read(facts)) return std::nullopt;
    const IndexFacts& index = *facts.index;
    const std::vector<ErrorField> numbers = {{"file_system", index.file_system}};
    switch (index.place) {
        case IndexFacts::Place::network:
            return warning("on " + on_file_system(index) + ", over a network",
                           "a load reads every byte once, and waits for the network", "copy it to a local disk first",
                           numbers);
        case IndexFacts::Place::memory:
            return warning("on " + on_file_system(index) + ", which is host memory",
                           "the file itself takes " + format_bytes(index.bytes) + " of it",
                           "put it on a disk, if memory is short", numbers);
        case IndexFacts::Place::local:
            return ok("on " + on_file_system(index), numbers);
        case IndexFacts::Place::unknown:
            return unknown("on " + on_file_system(index), "whether it is a network's is not known",
                           "compare the rate of a load with that of a local disk");
    }
    return std::nullopt;
}

Answer check_holes(const MachineFacts& facts) {
    if (!can_be_read(facts)) return std::nullopt;
    const IndexFacts& index = *facts.index;
    const std::vector<ErrorField> numbers = {size_field("bytes", index.bytes),
                                             size_field("stored_bytes", index.stored_bytes)};
    // File systems that compress store a little less; holes of an unfinished copy are larger.
    if (index.stored_bytes >= index.bytes / 10 * 9 || index.bytes < 1_MiB) return ok("every part is stored", numbers);
    return warning(format_bytes(index.stored_bytes) + " of " + format_bytes(index.bytes) + " are stored",
                   "the rest are holes, which read as zeros: a copy or download that did not finish, or compression",
                   "compare a checksum with that of the source, and copy it again", numbers);
}

Answer check_page_cache(const MachineFacts& facts) {
    if (!can_be_read(facts)) return std::nullopt;
    const auto& cached = facts.index->cached;
    if (!cached) {
        return unknown("how much of it is cached", "the kernel tells only who may write the file",
                       "run as the owner of the file");
    }
    const std::string place = *cached < 0.5 ? ": a load is as fast as the disk" : ": a load need not wait for the disk";
    return ok("about " + percent(*cached) + " of it is in the page cache" + place, {{"cached", *cached}});
}

Answer check_fit(const MachineFacts& facts) {
    if (!facts.devices_problem.empty()) {
        return failure(ErrorKind::device, facts.devices_problem, "the devices asked for are not there",
                       "gpushard devices lists what is there");
    }
    if (!can_be_read(facts) || facts.devices.empty()) return std::nullopt;
    try {
        const PlacementPlan plan = plan_placement(facts.index->profile, facts.devices);
        return ok("fits as stored on " + std::to_string(plan.used_devices()) + " of " +
                      count_of(plan.devices.size(), "device") + ", fullest " + format_bytes(largest_peak(plan)),
                  {size_field("peak_bytes", largest_peak(plan)), size_field("total_bytes", plan.totals().peak())});
    } catch (const InsufficientMemory& refusal) {
        std::string remedy = "gpushard plan lists what would fit";
        if (!refusal.alternatives().empty()) {
            const Alternative& first = refusal.alternatives().front();
            remedy = (first.flags.empty() ? "" : first.flags + ": ") + first.change;
        }
        return failure(ErrorKind::insufficient_memory, refusal.what(), "a load would be refused", remedy,
                       {size_field("short_bytes", refusal.short_bytes())});
    } catch (const InvalidArgument& error) {
        return failure(ErrorKind::invalid_argument, error.what(), "a load would be refused",
                       error.hints().empty() ? "ask for other devices" : error.hints().front());
    }
}

}  // namespace gpushard::doctor
