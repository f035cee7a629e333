#include "runtime/simulator.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <utility>

#include "rig/text.hpp"
#include "rig/visible_cards.hpp"
#include "runtime/call_site.hpp"
#include "runtime/findings.hpp"
#include "runtime/work.hpp"

namespace simcuda {
namespace {

std::optional<std::string> environment(const char* name) {
    const char* const value = std::getenv(name);
    if (value == nullptr) return std::nullopt;
    return value;
}

Location::Kind location_kind(HostMemory::Kind kind) {
    switch (kind) {
        case HostMemory::Kind::pinned:
            return Location::Kind::pinned;
        case HostMemory::Kind::registered:
            return Location::Kind::registered;
        case HostMemory::Kind::managed:
            return Location::Kind::managed;
    }
    return Location::Kind::unknown;
}

/// A rig or fault that is spelled wrong and ignored would let a test pass that tests nothing.
template <typename Read>
void read_or_end(const char* name, Read read) {
    try {
        read(environment(name).value_or(""));
    } catch (const BadText& error) {
        std::fprintf(stderr, "%s: %s\n", name, error.what());
        std::_Exit(2);
    }
}

/// The runtime's functions are those of this library; the others may not be loaded yet.
void refuse_unknown_function(const std::string& function) {
    if (!function.starts_with("cuda") && !function.starts_with("__cuda")) return;
    Dl_info self{};
    static const int somewhere = 0;
    if (dladdr(&somewhere, &self) == 0) return;
    void* const library = dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (library == nullptr) return;
    const bool known =
        dlsym(library, function.c_str()) != nullptr || dlsym(library, (function + "_v2").c_str()) != nullptr;
    dlclose(library);
    if (!known) throw BadText("\"" + function + "\" is not a function that the simulated runtime has");
}

/// True for those that compute.
bool parse_kernels(const std::string& text) {
    if (text.empty() || text == "compute") return true;
    if (text != "count") throw BadText("\"" + text + "\" is neither compute nor count");
    return false;
}

std::vector<CardSpec> specs_of(const std::vector<std::unique_ptr<Card>>& cards) {
    std::vector<CardSpec> specs;
    for (const auto& card : cards) specs.push_back(card->spec());
    return specs;
}

}  // namespace

const int Simulator::runtime_version = CUDART_VERSION;

Simulator& Simulator::instance() {
    static Simulator& simulator = *new Simulator;
    return simulator;
}

Simulator::Simulator() {
    read_or_end("SIMCUDA_KERNELS", [this](const std::string& text) { computes_ = parse_kernels(text); });
    read_or_end("SIMCUDA_DRIVER", [this](const std::string& text) { driver_ = parse_driver(text); });
    read_or_end("SIMCUDA_CARDS", [this](const std::string& text) { build(parse_rig(text)); });
    read_or_end("SIMCUDA_FAULTS", [this](const std::string& text) { set_faults(text); });
}

void Simulator::set_cards(const std::string& text) {
    const RigSpec rig = parse_rig(text);
    finish_all();
    const std::lock_guard lock(mutex);
    if (anything_allocated()) throw BadText("memory of a card is still allocated");
    build(rig);
    faults.set({});
    CallSite::reset_all();
    host.reset_peak();
    Findings::instance().clear();
}

void Simulator::set_faults(const std::string& text) {
    std::vector<Fault> parsed = parse_faults(text);
    for (const Fault& fault : parsed) refuse_unknown_function(fault.function);
    faults.set(std::move(parsed));
}

void Simulator::build(const RigSpec& rig) {
    cards_.clear();
    const auto watch = computes_ ? DeviceMemory::Watch::every_byte : DeviceMemory::Watch::nothing;
    for (const CardSpec& spec : rig.cards) cards_.push_back(std::make_unique<Card>(spec, card_count(), watch));
    const int version = driver_.cuda_version > 0 ? driver_.cuda_version : runtime_version;
    driver_version_ = rig.driver ? version : 0;
    visible_ = visible_cards(rig.cards, environment("CUDA_VISIBLE_DEVICES"), environment("CUDA_DEVICE_ORDER"));
    ++generation_;
}

bool Simulator::anything_allocated() {
    return std::any_of(cards_.begin(), cards_.end(),
                       [](const std::unique_ptr<Card>& card) { return card->allocated() > 0 && !card->lost(); });
}

int Simulator::place_of(int ordinal) const {
    if (ordinal < 0 || ordinal >= static_cast<int>(visible_.size())) return -1;
    return visible_[static_cast<std::size_t>(ordinal)];
}

int Simulator::ordinal_of(int place) const {
    const auto found = std::find(visible_.begin(), visible_.end(), place);
    return found == visible_.end() ? -1 : static_cast<int>(found - visible_.begin());
}

std::vector<int> Simulator::places_by_pci() const { return cards_by_pci(specs_of(cards_)); }

Location Simulator::locate(const void* pointer) {
    const auto address = reinterpret_cast<std::uintptr_t>(pointer);
    for (int place = 0; place < card_count(); ++place) {
        for (DeviceMemory* const memory : {&card(place).memory, &card(place).variables}) {
            if (const auto found = memory->allocation_at(address)) {
                return {Location::Kind::device, place, found->address, found->bytes, memory};
            }
        }
    }
    if (const auto block = host.block_at(address)) {
        return {location_kind(block->kind), block->card, block->address, block->bytes, nullptr};
    }
    return {};
}

void Simulator::reset_peaks() {
    const std::lock_guard lock(mutex);
    for (const auto& card : cards_) card->reset_peak();
    host.reset_peak();
}

void Simulator::reset_counts() {
    CallSite::reset_all();
    for (const auto& card : cards_) card->reset_counts();
}

}  // namespace simcuda
