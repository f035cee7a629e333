#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "runtime/card.hpp"
#include "runtime/kernel_registry.hpp"

namespace simcuda {

/// The device address of a variable of a module on the card, where it is laid down, initialised, when it is first asked
/// for; empty when the PTX has no such one. Needs the simulator's lock.
std::optional<std::uintptr_t> address_of_variable(Card& card, std::uint64_t module_number, const PtxCode& code,
                                                  std::string_view name);
/// The same where there is no PTX to read: zeros.
std::optional<std::uintptr_t> address_of_variable(Card& card, const RegisteredVariable& variable);

}  // namespace simcuda
