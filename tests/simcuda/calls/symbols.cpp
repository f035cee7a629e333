// Variables of modules, by the variable of the host that stands for each.
#include <cuda_runtime_api.h>

#include "calls/copying.hpp"
#include "runtime/call.hpp"
#include "runtime/module_variables.hpp"

using namespace simcuda;

namespace {

struct Symbol {
    char* address = nullptr;  ///< on the current card; null when there is no such variable
    std::size_t bytes = 0;

    bool holds(std::size_t offset, std::size_t count) const { return count <= bytes && offset <= bytes - count; }
};

Symbol find_symbol(const void* host_variable) {
    Simulator& simulator = Simulator::instance();
    const int place = current_place();
    const auto variable = KernelRegistry::instance().find_variable(host_variable);
    if (!variable || !simulator.has_card(place)) return {};
    std::shared_ptr<PtxCode> code;
    const CodeImage* const image =
        variable->module->image_for(simulator.card(place).spec().compute_capability, CodeImage::Kind::ptx);
    if (simulator.computes() && image != nullptr) {
        try {
            code = variable->module->code_of(*image);
        } catch (const UnreadableCode&) {
        }
    }
    const std::lock_guard lock(simulator.mutex);
    Card& card = simulator.card(place);
    std::optional<std::uintptr_t> address;
    if (code != nullptr) address = address_of_variable(card, variable->module->number, *code, variable->name);
    if (!address) address = address_of_variable(card, *variable);
    return {reinterpret_cast<char*>(address.value_or(0)), variable->bytes};
}

cudaError_t copy_to_symbol(CallSite& site, const void* host_variable, const void* from, std::size_t bytes,
                           std::size_t offset, cudaMemcpyKind kind, Waits waits, cudaStream_t stream) {
    const Symbol symbol = find_symbol(host_variable);
    if (symbol.address != nullptr && symbol.holds(offset, bytes)) {
        return copy_row(site, symbol.address + offset, from, bytes, kind, waits, stream);
    }
    return perform(site, current_place(), Needs::context,
                   [&] { return symbol.address == nullptr ? cudaErrorInvalidSymbol : cudaErrorInvalidValue; });
}

cudaError_t copy_from_symbol(CallSite& site, void* to, const void* host_variable, std::size_t bytes, std::size_t offset,
                             cudaMemcpyKind kind, Waits waits, cudaStream_t stream) {
    const Symbol symbol = find_symbol(host_variable);
    if (symbol.address != nullptr && symbol.holds(offset, bytes)) {
        return copy_row(site, to, symbol.address + offset, bytes, kind, waits, stream);
    }
    return perform(site, current_place(), Needs::context,
                   [&] { return symbol.address == nullptr ? cudaErrorInvalidSymbol : cudaErrorInvalidValue; });
}

}  // namespace

extern "C" {

cudaError_t cudaMemcpyToSymbol(const void* symbol, const void* from, std::size_t bytes, std::size_t offset,
                               cudaMemcpyKind kind) {
    static CallSite& site = CallSite::of(__func__);
    return copy_to_symbol(site, symbol, from, bytes, offset, kind, Waits::as_cudaMemcpy, nullptr);
}

cudaError_t cudaMemcpyToSymbolAsync(const void* symbol, const void* from, std::size_t bytes, std::size_t offset,
                                    cudaMemcpyKind kind, cudaStream_t stream) {
    static CallSite& site = CallSite::of(__func__);
    return copy_to_symbol(site, symbol, from, bytes, offset, kind, Waits::as_cudaMemcpyAsync, stream);
}

cudaError_t cudaMemcpyFromSymbol(void* to, const void* symbol, std::size_t bytes, std::size_t offset,
                                 cudaMemcpyKind kind) {
    static CallSite& site = CallSite::of(__func__);
    return copy_from_symbol(site, to, symbol, bytes, offset, kind, Waits::as_cudaMemcpy, nullptr);
}

cudaError_t cudaMemcpyFromSymbolAsync(void* to, const void* symbol, std::size_t bytes, std::size_t offset,
                                      cudaMemcpyKind kind, cudaStream_t stream) {
    static CallSite& site = CallSite::of(__func__);
    return copy_from_symbol(site, to, symbol, bytes, offset, kind, Waits::as_cudaMemcpyAsync, stream);
}

cudaError_t cudaGetSymbolAddress(void** address, const void* symbol) {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, current_place(), Needs::context, [&] {
        *address = find_symbol(symbol).address;
        return *address != nullptr ? cudaSuccess : cudaErrorInvalidSymbol;
    });
}

cudaError_t cudaGetSymbolSize(std::size_t* bytes, const void* symbol) {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, current_place(), Needs::context, [&] {
        const Symbol found = find_symbol(symbol);
        *bytes = found.bytes;
        return found.address != nullptr ? cudaSuccess : cudaErrorInvalidSymbol;
    });
}

}  // extern "C"
