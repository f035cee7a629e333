#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gpushard/bytes.hpp>

namespace gpushard {

enum class DeviceKind { cpu, cuda };

std::string_view to_string(DeviceKind kind);  ///< "cpu", "cuda"

/// A process that holds memory of a card.
struct MemoryHolder {
    std::int64_t pid = 0;
    std::string name;  ///< as the system calls the process; empty where that is not known
    Bytes bytes = 0;   ///< 0 where the driver does not tell

    bool operator==(const MemoryHolder&) const = default;
};

/// A place that can hold a shard: a card, the host, or a part of one of them (a logical device: a physical device
/// and a byte budget).
struct DeviceInfo {
    std::string spec;  ///< how it is named on the command line: "cuda:0", "cuda:0=24GiB", "cpu=2GiB"
    std::string name;  ///< "A100 40 GB", "host memory"
    std::string uuid;  ///< empty where there is none
    std::string pci;   ///< PCI bus id, empty where there is none
    DeviceKind kind = DeviceKind::cpu;
    Bytes total_bytes = 0;
    Bytes free_bytes = 0;     ///< what a new allocation may take, within the budget
    Bytes context_bytes = 0;  ///< what a CUDA context will take from free_bytes; 0 where it exists already
    /// Memory bandwidth: the weight of this device where work is shared equally; 0 where it is not known, which counts
    /// as that of the slowest device of known bandwidth.
    double bytes_per_second = 0;
    bool planning_only = false;  ///< a known card by name or a device from a rig file: nothing can be loaded on it

    /// The rest is told of cards, where it is known.
    bool context_measured = false;        ///< whether context_bytes was measured on this card; it is assumed otherwise
    std::string compute_capability{};     ///< "8.0"; empty where it is not known
    int numa_node = -1;                   ///< of the host memory nearest to it; -1 where it is not known
    std::vector<std::string> peers{};     ///< specs of the visible cards whose memory it can use directly
    std::vector<MemoryHolder> holders{};  ///< other processes that hold memory on it, most bytes first
};

/// What to try where something does not fit because of other processes: a line for each card of `devices` of which they
/// hold a tenth or more, as "free memory of cuda:0, where other processes hold 60.0 GiB of 80.0 GiB: python (pid 4711)
/// 60.0 GiB". A card that several of `devices` are parts of has one line.
std::vector<std::string> holder_hints(const std::vector<DeviceInfo>& devices);

/// Finds what a machine has. Thread-safe.
class DeviceInventory {
public:
    virtual ~DeviceInventory() = default;

    /// What an empty specification stands for: "cuda:all" in a build with CUDA, else "cpu".
    virtual std::string default_specification() const { return "cpu"; }

    /// The visible cards, "cuda:0" first. Throws DeviceError saying why there are none (no GPU support compiled in,
    /// no driver, ...).
    virtual std::vector<DeviceInfo> cards() const = 0;

    /// The host, as `cpu` without a budget means it: what this process may really use (limits of its control group,
    /// its resource limits, and the memory available on the machine).
    virtual DeviceInfo host() const = 0;
};

/// The machine this runs on.
const DeviceInventory& system_inventory();

/// `card` with `context_bytes` measured: opens the CUDA context of a visible card, Faiss's streams and a cuBLAS handle,
/// and runs a tiny search per precision, so that its modules are loaded; what the card has less by then is the context.
/// `free_bytes` stays what it was before. The context remains until the process ends, so a process measures a card
/// once. Returns `card` as it is, with context_measured false, where nothing tells what was free before: the process
/// has a context there already, or the driver's management library does not know the card. Takes seconds. Throws
/// DeviceError for a card that is not there, cannot be used, or has less than 1 GiB free.
DeviceInfo measure_context(const DeviceInfo& card);

/// Reads a device specification, the argument of `--devices`: a comma-separated list of
///   cuda:all | cuda | gpu | all            every visible card of this machine
///   cuda:1 | gpu:1 | 1 | cuda:0-3 | 0,1,2  cards by ordinal, as CUDA counts the visible ones
///   a PCI id | the beginning of a UUID     a card
///   cuda:0=24GiB                           a byte budget: that part of the card, or of each of several
///   cpu | host | cpu=2GiB                  the host
///   any                                    the cards if there are, else the host
///   4xA100-40GB | RTX 4090                 known cards by name, for planning only; see known_cards
///   20GiB | 4x24GiB                        cards of which only the memory is known, for planning only
///   @rig.json                              what `gpushard devices --json` printed, for planning only
/// each repeated by `*N` or `xN` behind it, or `Nx` in front. Case and spaces do not matter. A whole number without a
/// unit is an ordinal, but that of a model with four digits (4090) is the known card. An empty text means the default
/// of this build: `cuda:all` where CUDA is compiled in, else `cpu`. Budgets of the host are taken at their word here;
/// loading checks them against the memory there is. Throws InvalidArgument for a malformed, ambiguous or duplicate
/// device, for processors that are no CUDA cards, for a budget of 0, or above the card; DeviceError for a card that is
/// not there; BadFile for an unreadable rig file.
std::vector<DeviceInfo> resolve_devices(std::string_view specification,
                                        const DeviceInventory& inventory = system_inventory());

/// A card the catalogue knows, for planning without one.
struct KnownCard {
    std::string name;  ///< "A100-40GB": as it is typed in a specification
    Bytes total_bytes = 0;
    double bytes_per_second = 0;
    bool holds_bfloat16 = false;  ///< of compute capability 8.0 or later
    bool offered = false;         ///< among offered_cards

    bool operator==(const KnownCard&) const = default;
};

/// All known cards, smallest memory first, and by name among equals.
const std::vector<KnownCard>& known_cards();

/// Those of them that are suggested where one has to be chosen (`plan --fit`, what would fit instead): what is commonly
/// bought or rented, one of each kind.
const std::vector<KnownCard>& offered_cards();

/// What a CUDA context, its modules and the cuBLAS workspace take on a card until `gpushard devices --measure` has
/// measured it: an assumption, and printed as one.
inline constexpr Bytes assumed_context_bytes = 512_MiB;

/// A DeviceInfo for a known card with all of its memory free.
DeviceInfo describe(const KnownCard& card);

/// A card of which only the memory is known, all of it free, for planning: its bandwidth is 0, not known.
DeviceInfo describe_card(Bytes total_bytes, std::string spec);

}  // namespace gpushard
