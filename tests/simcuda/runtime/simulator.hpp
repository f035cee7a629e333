#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "memory/host_memory.hpp"
#include "rig/card_spec.hpp"
#include "rig/fault_plan.hpp"
#include "runtime/card.hpp"
#include "runtime/live_objects.hpp"
#include "runtime/work_queue.hpp"

namespace simcuda {

struct Stream {
    int card = 0;
    unsigned flags = 0;
    int priority = 0;
    std::shared_ptr<WorkQueue> queue;
};

/// What an event stands for since it was recorded last.
struct EventRecord {
    WorkPoint point;
    std::chrono::steady_clock::time_point time;  ///< once the point is done
};

struct Event {
    int card = 0;
    unsigned flags = 0;
    std::shared_ptr<EventRecord> record;  ///< null until it is recorded
};

/// Where an address lies.
struct Location {
    enum class Kind { unknown, device, pinned, registered, managed };
    Kind kind = Kind::unknown;
    int card = -1;
    std::uintptr_t begin = 0;
    std::uint64_t bytes = 0;
    DeviceMemory* memory = nullptr;  ///< that holds it, for Kind::device

    bool on_device() const { return kind == Kind::device || kind == Kind::managed; }
    bool on_host() const { return kind != Kind::device; }
    /// False when [address, address + count) runs beyond the memory that is known there.
    bool holds(std::uintptr_t address, std::uint64_t count) const {
        return kind == Kind::unknown || (count <= bytes && address - begin <= bytes - count);
    }
};

/// The machine: what the environment typed, and everything that lives on it. Members below the lock need it.
class Simulator {
public:
    /// Reads the environment at the first call; ends the process when it is spelled wrong. Never destroyed.
    static Simulator& instance();

    /// Throw BadText; the rig also when memory is allocated. No other thread may be in a CUDA call.
    void set_cards(const std::string& text);
    void set_faults(const std::string& text);

    /// False where kernels are counted and do nothing.
    bool computes() const { return computes_; }
    /// One that the runtime can use.
    bool has_driver() const { return driver_version_ / 1000 >= runtime_version / 1000; }
    /// As CUDA counts, 12040 for 12.4; 0 where there is none.
    int driver_version() const { return driver_version_; }
    const std::string& driver_name() const { return driver_.name; }
    int card_count() const { return static_cast<int>(cards_.size()); }
    Card& card(int place) { return *cards_[static_cast<std::size_t>(place)]; }
    bool has_card(int place) const { return place >= 0 && place < card_count(); }
    const std::vector<int>& visible() const { return visible_; }
    /// -1 when there is no such ordinal.
    int place_of(int ordinal) const;
    int ordinal_of(int place) const;
    std::vector<int> places_by_pci() const;
    /// Changes with every set_cards.
    std::uint64_t generation() const { return generation_; }

    FaultPlan faults;

    std::mutex mutex;
    HostMemory host;
    LiveObjects<Stream> streams;
    LiveObjects<Event> events;
    std::uint64_t handles = 0;  ///< of cuBLAS

    Location locate(const void* pointer);
    void reset_peaks();
    void reset_counts();

private:
    Simulator();
    void build(const RigSpec& rig);
    bool anything_allocated();

    static const int runtime_version;

    bool computes_ = true;
    DriverSpec driver_;
    int driver_version_ = 0;
    std::vector<std::unique_ptr<Card>> cards_;
    std::vector<int> visible_;
    std::uint64_t generation_ = 0;
};

}  // namespace simcuda
