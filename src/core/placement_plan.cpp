#include <array>
#include <cctype>

#include <gpushard/error.hpp>
#include <gpushard/placement_plan.hpp>

#include "core/placement_problem.hpp"

namespace gpushard {
namespace {

template <typename Value>
struct Spelling {
    const char* text;
    Value value;
};

// The first spelling of a value is the one it is printed with.
constexpr std::array strategy_spellings = {
    Spelling<Strategy>{"balanced", Strategy::balanced},
    Spelling<Strategy>{"proportional", Strategy::proportional},
    Spelling<Strategy>{"fewest", Strategy::fewest},
    Spelling<Strategy>{"replicate", Strategy::replicate},
};

constexpr std::array precision_spellings = {
    Spelling<PrecisionChoice>{"stored", PrecisionChoice::stored},
    Spelling<PrecisionChoice>{"f32", PrecisionChoice::f32},
    Spelling<PrecisionChoice>{"f16", PrecisionChoice::f16},
    Spelling<PrecisionChoice>{"bf16", PrecisionChoice::bf16},
    Spelling<PrecisionChoice>{"auto", PrecisionChoice::automatic},
    Spelling<PrecisionChoice>{"float32", PrecisionChoice::f32},
    Spelling<PrecisionChoice>{"fp32", PrecisionChoice::f32},
    Spelling<PrecisionChoice>{"float16", PrecisionChoice::f16},
    Spelling<PrecisionChoice>{"fp16", PrecisionChoice::f16},
    Spelling<PrecisionChoice>{"half", PrecisionChoice::f16},
    Spelling<PrecisionChoice>{"bfloat16", PrecisionChoice::bf16},
};

template <typename Value, std::size_t N>
std::string_view spell(const std::array<Spelling<Value>, N>& spellings, Value value) {
    for (const auto& spelling : spellings) {
        if (spelling.value == value) return spelling.text;
    }
    return "unknown";
}

template <typename Value, std::size_t N>
Value parse(const std::array<Spelling<Value>, N>& spellings, std::string_view text, const char* what,
            const char* expected) {
    std::string lower;
    for (const char c : text) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    for (const auto& spelling : spellings) {
        if (lower == spelling.text) return spelling.value;
    }
    throw InvalidArgument(std::string(what) + " '" + std::string(text) + "' is unknown, expected " + expected);
}

}  // namespace

std::string_view to_string(Strategy strategy) { return spell(strategy_spellings, strategy); }
std::string_view to_string(PrecisionChoice precision) { return spell(precision_spellings, precision); }

Strategy parse_strategy(std::string_view text) {
    return parse(strategy_spellings, text, "strategy", "balanced, proportional, fewest or replicate");
}

PrecisionChoice parse_precision(std::string_view text) {
    return parse(precision_spellings, text, "precision", "stored, f32, f16, bf16 or auto");
}

Bytes ShardPlacement::usable_bytes() const { return usable_of(device, reserve_bytes); }

void PlacementPlan::must_be_of_a_file() const {
    if (!index.of_no_file) return;
    throw InvalidArgument(
        "the plan is of no file (it was made of a count and a dimension), so it can be neither loaded nor replayed",
        {"plan again for the index file: gpushard plan FILE"});
}

ShardMemory PlacementPlan::totals() const {
    ShardMemory sum;
    for (const ShardPlacement& placement : devices) {
        sum.resident = checked_add(sum.resident, placement.memory.resident);
        sum.fixed = checked_add(sum.fixed, placement.memory.fixed);
        sum.scratch = checked_add(sum.scratch, placement.memory.scratch);
    }
    return sum;
}

Bytes PlacementPlan::host_peak_bytes() const {
    Bytes sum = checked_add(host_staging_bytes, host_search_bytes);
    for (const ShardPlacement& placement : devices) {
        if (placement.device.kind == DeviceKind::cpu) sum = checked_add(sum, placement.memory.peak());
    }
    return sum;
}

int PlacementPlan::used_devices() const {
    int used = 0;
    for (const ShardPlacement& placement : devices) used += placement.rows.count() > 0;
    return used;
}

}  // namespace gpushard
