#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "rig/card_spec.hpp"

namespace simcuda {

/// The count of the calls of one function, card by card.
class CallSite {
public:
    explicit CallSite(std::string_view function) : function_(function) {}

    const std::string& function() const { return function_; }
    void count(int card) { counter(card).fetch_add(1, std::memory_order_relaxed); }
    /// `card` -1: all calls, those that belong to no card included.
    std::uint64_t calls(int card) const;
    void reset();

    /// The one of that name; lives for ever.
    static CallSite& of(std::string_view function);
    static void reset_all();

private:
    std::atomic<std::uint64_t>& counter(int card) { return counts_[static_cast<std::size_t>(card + 1)]; }

    std::string function_;
    std::array<std::atomic<std::uint64_t>, max_cards + 1> counts_{};  ///< first those that belong to no card
};

}  // namespace simcuda
