#pragma once

#include <string>
#include <vector>

#include <gpushard/device_info.hpp>
#include <gpushard/placement_plan.hpp>

namespace gpushard {

/// Decides which rows of an index go to which device. Pure: the same input gives the same plan, byte for byte, and
/// each device receives the same rows in whatever order the devices are listed. Every row is in exactly one shard of
/// each group, and no device is planned above its usable bytes. Finds a plan whenever one exists for its strategy
/// (`replicate`, where groups have to be formed, may miss some). Cost: linear in devices but for a sort; 1,000
/// devices take milliseconds.
/// Where the devices do not hold all rows and options.spill_bytes allows it, they are filled to the brim and the host
/// takes the rest, as a device that is planned, counted for min_devices and reported like the others.
/// Throws InsufficientMemory with alternatives that were themselves planned, and InvalidArgument for options that
/// contradict each other (max_batch 0, more min_devices than devices, a spill of several replicas, ...). Of an
/// InsufficientMemory,
/// - `short_bytes()` is the usable memory (free beyond reserve and context) that would have to be added: to one
///   device, the one that needs least, for the rows left without a place; and to each further device that min_devices
///   calls for, enough to hold a row. Where one device has to grow, growing it by so much makes the request fit and by
///   a byte less does not. For replicas, one device grows in each group that was formed;
/// - `devices()` are in the order given; what a device needs is the peak, with the smallest search tile, of the share
///   it would take at equal work, whatever the others can hold.
PlacementPlan plan_placement(const IndexProfile& index, const std::vector<DeviceInfo>& devices,
                             const PlanOptions& options = {});

/// Whether a search for k neighbours of each query may be asked of `plan`: throws InvalidArgument for k < 1 and where a
/// device cannot select so many (2048 on a card), InsufficientMemory where not even one query with this k fits what the
/// plan grants. Pure: asked before a load, it spares the load.
void check_search(const PlacementPlan& plan, std::int64_t k);

/// The smallest number of one known card that holds the index, for each known card, smallest total first. Cards of
/// which `max_cards` (1 to 1024) do not suffice are left out, and all are for a metric that cards do not search by.
/// Throws InvalidArgument as plan_placement does.
struct RigSuggestion {
    KnownCard card;
    int count = 0;
    Bytes peak_bytes = 0;  ///< largest peak of one card
};
std::vector<RigSuggestion> suggest_rigs(const IndexProfile& index, const PlanOptions& options, int max_cards = 16);

/// The smallest number of one known card that holds an index at one precision, and what its plan takes.
struct FittingRig {
    KnownCard card;
    int count = 0;
    Precision precision = Precision::f32;
    Bytes memory_bytes = 0;    ///< of all its cards
    Bytes peak_bytes = 0;      ///< largest peak of one card
    Bytes total_bytes = 0;     ///< sum of the peaks of its cards
    Bytes headroom_bytes = 0;  ///< of what a plan may use of a card, what the fullest leaves
    Bytes host_bytes = 0;      ///< peak of the rows that PlanOptions::spill_bytes lets the host take

    std::string spec() const;  ///< "2xA100-40GB": as typed after --devices
    bool operator==(const FittingRig&) const = default;
};

/// What to buy or rent for an index.
struct RigFit {
    IndexProfile index;
    PlanOptions options;  ///< as planned with
    int max_cards = 16;
    std::vector<FittingRig> rigs;  ///< fewest cards first, then least memory, then by name and precision
};

/// For each known card and precision the fewest cards that hold the index, each of them planned by plan_placement's
/// means; a card fewer does not fit. The precisions are those that options.precision names, and all where it is
/// `stored`; bfloat16 only on cards that hold it. Cards of which `max_cards` (1 to 1024) do not
/// suffice are left out. With options.spill_bytes the host takes the rows that the cards have no room for. Several
/// replicas with the strategy `balanced` are planned as `replicate`. Throws InvalidArgument as plan_placement does, and
/// for a metric that cards do not search by. Cost: some 10 plans a card and precision, milliseconds in all.
RigFit fit_rigs(const IndexProfile& index, const PlanOptions& options, int max_cards = 16);

}  // namespace gpushard
