#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace simcuda {

/// One thing that goes wrong at a typed call.
struct Fault {
    enum class Action {
        fail,  ///< the call returns an error and does nothing
        lose,  ///< the card is lost for good
        take,  ///< another process takes memory of the card; the call goes on
    };
    Action action = Action::fail;
    int card = -1;  ///< that is lost or taken from
    std::string function;
    int counted_card = -1;  ///< only calls on this card count; -1: calls on any
    std::uint64_t first_call = 1;
    bool persists = false;
    std::uint64_t bytes = 0;
    bool operator==(const Fault&) const = default;
};

/// Reads the grammar of SIMCUDA_FAULTS; throws BadText.
std::vector<Fault> parse_faults(std::string_view text);

/// The faults to come; counts the calls they wait for. Thread-safe.
class FaultPlan {
public:
    void set(std::vector<Fault> faults);

    /// The faults that this call, about to be made on `card` (-1: on none), sets off.
    std::vector<Fault> due(std::string_view function, int card);

private:
    struct Pending {
        Fault fault;
        std::uint64_t calls = 0;
    };
    std::atomic<bool> any_{false};
    std::mutex mutex_;
    std::vector<Pending> pending_;
};

}  // namespace simcuda
