#include "rig/fault_plan.hpp"

#include <utility>

#include "rig/card_spec.hpp"
#include "rig/text.hpp"

namespace simcuda {
namespace {

int parse_card_place(std::string_view text) {
    const std::uint64_t card = parse_number(text);
    if (card >= max_cards) throw BadText("\"" + std::string(text) + "\" is not a card");
    return static_cast<int>(card);
}

/// "cudaMalloc" or "cudaMalloc@1".
void read_function(Fault& fault, std::string_view text) {
    const auto at = text.find('@');
    fault.function = std::string(text.substr(0, at));
    if (at != std::string_view::npos) fault.counted_card = parse_card_place(text.substr(at + 1));
    const bool known = fault.function.starts_with("cuda") || fault.function.starts_with("__cuda") ||
                       fault.function.starts_with("cublas") || fault.function.starts_with("nvml");
    if (!known) throw BadText("\"" + fault.function + "\" is not a function of CUDA, cuBLAS or NVML");
}

/// "3", "3+" or "3=10GiB".
void read_call(Fault& fault, std::string_view text) {
    const auto equals = text.find('=');
    if (equals != std::string_view::npos) fault.bytes = parse_bytes(text.substr(equals + 1));
    text = text.substr(0, equals);
    if (text.ends_with('+')) {
        fault.persists = true;
        text.remove_suffix(1);
    }
    fault.first_call = parse_number(text);
    if (fault.first_call == 0) throw BadText("calls are counted from 1");
    if ((fault.bytes > 0) != (fault.action == Fault::Action::take)) {
        throw BadText("take, and nothing else, has =BYTES behind the number of the call");
    }
}

Fault parse_fault(std::string_view text) {
    std::vector<std::string> parts = split(text, ':');
    Fault fault;
    const std::string first = parts.front().substr(0, parts.front().find('@'));
    if (first == "lose" || first == "take") {
        fault.action = first == "lose" ? Fault::Action::lose : Fault::Action::take;
        if (parts.front().size() == first.size()) throw BadText(first + " needs a card, as in " + first + "@1:");
        fault.card = fault.counted_card = parse_card_place(std::string_view(parts.front()).substr(first.size() + 1));
        parts.erase(parts.begin());
    }
    if (parts.size() != 2) {
        throw BadText("\"" + std::string(text) + "\" is not a fault such as cudaMalloc:3 or lose@1:cudaMemcpyAsync:5");
    }
    read_function(fault, parts[0]);
    read_call(fault, parts[1]);
    return fault;
}

}  // namespace

std::vector<Fault> parse_faults(std::string_view text) {
    std::vector<Fault> faults;
    if (trimmed(text).empty()) return faults;
    for (const std::string& entry : split(text, ',')) faults.push_back(parse_fault(trimmed(entry)));
    return faults;
}

void FaultPlan::set(std::vector<Fault> faults) {
    const std::lock_guard lock(mutex_);
    pending_.clear();
    for (Fault& fault : faults) pending_.push_back({std::move(fault)});
    any_ = !pending_.empty();
}

std::vector<Fault> FaultPlan::due(std::string_view function, int card) {
    std::vector<Fault> due;
    if (!any_.load(std::memory_order_relaxed)) return due;
    const std::lock_guard lock(mutex_);
    for (Pending& pending : pending_) {
        const Fault& fault = pending.fault;
        if (fault.function != function || (fault.counted_card != -1 && fault.counted_card != card)) continue;
        ++pending.calls;
        if (pending.calls == fault.first_call || (fault.persists && pending.calls > fault.first_call)) {
            due.push_back(fault);
        }
    }
    return due;
}

}  // namespace simcuda
