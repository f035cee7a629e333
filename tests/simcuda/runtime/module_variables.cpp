#include "runtime/module_variables.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace simcuda {
namespace {

/// All zeros; empty when the card has no addresses left.
std::optional<std::uintptr_t> lay_down(Card& card, std::uint64_t module_number, std::string_view name,
                                       std::uint64_t bytes) {
    const auto address = card.variables.allocate(std::max<std::uint64_t>(bytes, 1));
    if (!address) return std::nullopt;
    card.variables.fill(*address, 0, bytes);
    card.variable_addresses[{module_number, std::string(name)}] = *address;
    return address;
}

std::optional<std::uintptr_t> known_address(const Card& card, std::uint64_t module_number, std::string_view name) {
    const auto known = card.variable_addresses.find({module_number, std::string(name)});
    if (known == card.variable_addresses.end()) return std::nullopt;
    return known->second;
}

}  // namespace

std::optional<std::uintptr_t> address_of_variable(Card& card, std::uint64_t module_number, const PtxCode& code,
                                                  std::string_view name) {
    if (const auto known = known_address(card, module_number, name)) return known;
    const auto& variables = code.variables();
    const auto variable = std::find_if(variables.begin(), variables.end(),
                                       [name](const ptx::Variable& candidate) { return candidate.name == name; });
    if (variable == variables.end()) return std::nullopt;
    const auto address = lay_down(card, module_number, name, variable->bytes);
    if (!address) return std::nullopt;

    std::vector<std::byte> value = variable->value;
    value.resize(variable->bytes);
    for (const ptx::Variable::Address& pointer : variable->addresses) {
        const auto target = address_of_variable(card, module_number, code, pointer.name);
        if (!target || pointer.offset + sizeof(std::uint64_t) > value.size()) continue;
        const std::uint64_t pointed = *target + static_cast<std::uint64_t>(pointer.addend);
        std::memcpy(value.data() + pointer.offset, &pointed, sizeof pointed);
    }
    card.variables.write(*address, value.data(), value.size());
    return address;
}

std::optional<std::uintptr_t> address_of_variable(Card& card, const RegisteredVariable& variable) {
    if (const auto known = known_address(card, variable.module->number, variable.name)) return known;
    return lay_down(card, variable.module->number, variable.name, variable.bytes);
}

}  // namespace simcuda
