#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpreter/global_memory.hpp"
#include "memory/device_memory.hpp"
#include "rig/card_spec.hpp"
#include "runtime/work_queue.hpp"

namespace simcuda {

enum class Direction { host_to_device, device_to_host, device_to_device };
std::optional<Direction> parse_direction(std::string_view text);  ///< "h2d", "d2h", "d2d"

/// One simulated card: its memory, who holds what of it, and what was done to it. All but the counters and the bytes
/// need the simulator's lock.
class Card {
public:
    Card(const CardSpec& spec, int place, DeviceMemory::Watch watch);

    const CardSpec& spec() const { return spec_; }

    /// False when the context does not fit.
    bool create_context();
    void destroy_context();
    bool has_context() const { return has_context_; }
    std::uint64_t context_charge() const { return has_context_ ? spec_.context_bytes : 0; }

    /// What an allocation of so many bytes takes.
    std::uint64_t rounded(std::uint64_t bytes) const;
    bool charge(std::uint64_t bytes);
    void refund(std::uint64_t bytes) { allocated_ -= rounded(bytes); }

    std::uint64_t allocated() const { return allocated_; }
    std::uint64_t peak() const { return peak_; }
    void reset_peak() { peak_ = allocated_; }
    std::uint64_t free() const;
    std::uint64_t held_by_others() const { return held_by_others_; }
    std::uint64_t take(std::uint64_t bytes);
    std::uint64_t give(std::uint64_t bytes);

    bool lost() const { return lost_.load(std::memory_order_relaxed); }
    void lose() { lost_ = true; }

    DeviceMemory memory;
    DeviceMemory variables;  ///< of modules, which the card is not charged for
    /// Where those are that were asked for, by the number of their code and by name.
    std::map<std::pair<std::uint64_t, std::string>, std::uintptr_t> variable_addresses;
    std::map<const void*, int> dynamic_shared_limits;  ///< cudaFuncSetAttribute, by kernel
    std::shared_ptr<WorkQueue> default_queue;
    std::vector<std::shared_ptr<WorkQueue>> queues;  ///< of all other streams, those of threads included
    std::set<int> peers;                             ///< places of the cards whose memory this one was given access to

    void count_launch() { launches_.fetch_add(1, std::memory_order_relaxed); }
    void count_copy(Direction direction, std::uint64_t bytes);
    std::uint64_t launches() const { return launches_.load(std::memory_order_relaxed); }
    std::uint64_t copied(Direction direction) const;
    void count_traffic(const interpreter::Traffic& traffic);
    std::uint64_t loaded() const { return loaded_.load(std::memory_order_relaxed); }
    std::uint64_t stored() const { return stored_.load(std::memory_order_relaxed); }
    void reset_counts();

private:
    CardSpec spec_;
    std::uint64_t held_by_others_;
    std::uint64_t allocated_ = 0;
    std::uint64_t peak_ = 0;
    bool has_context_ = false;
    std::atomic<bool> lost_{false};
    std::atomic<std::uint64_t> launches_{0};
    std::array<std::atomic<std::uint64_t>, 3> copied_{};
    std::atomic<std::uint64_t> loaded_{0};
    std::atomic<std::uint64_t> stored_{0};
};

}  // namespace simcuda
