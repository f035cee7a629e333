#include "explain/advice.hpp"

#include <algorithm>
#include <cmath>

#include <gpushard/placement_planner.hpp>
#include <gpushard/printable_text.hpp>
#include <gpushard/stock_faiss.hpp>

#include "explain/amounts.hpp"

namespace gpushard {
namespace {

/// Stock Faiss's peaks are asked of cards that have room for anything.
constexpr Bytes boundless = Bytes{1} << 60;

DeviceInfo boundless_card(int ordinal) {
    DeviceInfo card;
    card.spec = "cuda:" + std::to_string(ordinal);
    card.kind = DeviceKind::cuda;
    card.total_bytes = card.free_bytes = boundless;
    return card;
}

std::optional<Bytes> stock_peak(const IndexProfile& index, Precision precision, int cards) {
    std::vector<DeviceInfo> rig;
    for (int i = 0; i < cards; ++i) rig.push_back(boundless_card(i));
    const StockFaissOutcome outcome = simulate_stock_faiss(index, precision, rig);
    if (outcome.outcome != StockFaissOutcome::Kind::loads || outcome.peak_bytes.empty()) return std::nullopt;
    return *std::max_element(outcome.peak_bytes.begin(), outcome.peak_bytes.end());
}

/// "130.73 GB".
std::string gigabytes(Bytes bytes) {
    const auto hundredths = static_cast<std::uint64_t>(std::llround(static_cast<double>(bytes) / 1e7));
    const std::string digits = std::to_string(hundredths % 100);
    return with_digits_grouped(hundredths / 100) + "." + (digits.size() < 2 ? "0" : "") + digits + " GB";
}

std::string files_of(const IndexProfile& index) {
    std::string text;
    for (const std::string& file : index.files) text += (text.empty() ? "" : " ") + shell_quoted(file);
    return text.empty() ? "INDEX" : text;
}

std::string precision_flag(Precision precision, const IndexProfile& index) {
    return precision == index.stored ? "" : " --precision " + std::string(to_string(precision));
}

/// The first known card that holds the index by itself with a tenth to spare: no card has all of its memory free.
struct CardChoice {
    KnownCard card;
    Bytes peak_bytes = 0;
};
std::optional<CardChoice> single_card(const IndexProfile& index, const PlanOptions& options) {
    const Precision precision = options.precision == PrecisionChoice::f16 ? Precision::f16 : index.stored;
    const Bytes vectors = checked_multiply(
        checked_multiply(static_cast<Bytes>(index.count), static_cast<Bytes>(index.dim)), element_bytes(precision));
    for (const KnownCard& card : offered_cards()) {
        // A refusal plans its alternatives, which would be for nothing here.
        if (card.total_bytes < vectors) continue;
        try {
            const Bytes peak = plan_placement(index, {describe(card)}, options).totals().peak();
            if (peak <= card.total_bytes / 10 * 9) return CardChoice{card, peak};
        } catch (const InsufficientMemory&) {
            continue;
        }
    }
    return std::nullopt;
}

/// "40 GB" of "A100-40GB"; its memory where the name does not say.
std::string size_in_name(const KnownCard& card) {
    const std::size_t dash = card.name.rfind('-');
    if (dash == std::string::npos || !card.name.ends_with("GB")) return format_bytes(card.total_bytes);
    return card.name.substr(dash + 1, card.name.size() - dash - 3) + " GB";
}

PlanOptions plan_options(const ExplainOptions& options, const Explanation& explanation) {
    PlanOptions plan;
    plan.precision = options.precision;
    if (plan.precision == PrecisionChoice::stored && explanation.precision == Precision::f16) {
        plan.precision = PrecisionChoice::f16;
    }
    return plan;
}

/// Whether the peak of a load says something here: the first finding is about the memory of cards.
bool is_about_loading(const Explanation& explanation) {
    const Finding& first = explanation.findings.front();
    return first.report.kind == ErrorKind::insufficient_memory && first.path != "search" && !first.readings.empty() &&
           !first.readings.front().is_guess;
}

int cards_of(const Finding& finding) { return finding.readings.empty() ? 1 : finding.readings.front().parts; }

void add_ways_out(const IndexProfile& index, const PlanOptions& plan, Explanation& explanation) {
    const Precision precision = explanation.precision.value_or(index.stored);
    const auto of_two = stock_peak(index, precision, 2);
    const auto of_four = stock_peak(index, precision, 4);
    if (of_two && of_four) {
        explanation.ways_out.push_back({"several cards: from two on stock Faiss adds in pages, which peaks at " +
                                            gigabytes(*of_two) + " on each of 2 cards and " + gigabytes(*of_four) +
                                            " on each of 4 (GpuMultipleClonerOptions, shard = True)",
                                        "", *of_four});
    }
    if (const auto choice = single_card(index, plan)) {
        explanation.ways_out.push_back(
            {"gpushard on one " + size_in_name(choice->card) + " card: peaks at " + gigabytes(choice->peak_bytes) +
                 " in " + precision_name(precision) + ", planned for " + choice->card.name,
             "gpushard load " + files_of(index) + " --devices cuda:0" + precision_flag(precision, index),
             choice->peak_bytes});
    }
}

std::string devices_of(const ExplainOptions& options) {
    if (!options.devices_spec.empty()) return options.devices_spec;
    std::string text;
    for (const DeviceInfo& device : options.devices) text += (text.empty() ? "" : ",") + device.spec;
    return text;
}

void add_plan(const ExplainOptions& options, const PlanOptions& asked, Explanation& explanation) {
    const IndexProfile& index = *explanation.index;
    std::vector<PlanOptions> attempts = {asked};
    for (const PrecisionChoice precision : {PrecisionChoice::stored, PrecisionChoice::f16}) {
        if (options.precision == PrecisionChoice::stored && precision != asked.precision) {
            attempts.push_back(asked);
            attempts.back().precision = precision;
        }
    }
    for (const PlanOptions& attempt : attempts) {
        try {
            explanation.plan = plan_placement(index, options.devices, attempt);
            break;
        } catch (const InsufficientMemory& error) {
            const bool is_last = &attempt == &attempts.back();
            if (is_last) explanation.plan_refusal = error.what();
            if (is_last && !error.alternatives().empty()) {
                const Alternative& first = error.alternatives().front();
                explanation.plan_refusal +=
                    "; " + first.change + " would fit" + (first.flags.empty() ? "" : " (" + first.flags + ")");
            }
        } catch (const InvalidArgument& error) {
            explanation.plan_refusal = error.what();
            return;
        }
    }
    if (!explanation.plan) return;
    const bool is_here = std::none_of(options.devices.begin(), options.devices.end(),
                                      [](const DeviceInfo& device) { return device.planning_only; });
    explanation.plan_command = std::string("gpushard ") + (is_here ? "load " : "plan ") + files_of(index) +
                               " --devices " + shell_quoted(devices_of(options)) +
                               precision_flag(explanation.plan->precision, index);
    explanation.ways_out.insert(
        explanation.ways_out.begin(),
        {"gpushard on " + devices_of(options) + ": fits in " + precision_name(explanation.plan->precision) + ", " +
             std::to_string(explanation.plan->used_devices()) + " of " + std::to_string(options.devices.size()) +
             " devices, " + gigabytes(explanation.plan->totals().peak()) + " in all",
         explanation.plan_command, explanation.plan->totals().peak()});
}

}  // namespace

void add_advice(const ExplainOptions& options, Explanation& explanation) {
    if (!explanation.index || explanation.findings.empty()) return;
    const IndexProfile& index = *explanation.index;
    const PlanOptions plan = plan_options(options, explanation);
    if (is_about_loading(explanation)) {
        Finding& first = explanation.findings.front();
        const int cards = cards_of(first);
        explanation.stock_peak_bytes = stock_peak(index, explanation.precision.value_or(index.stored), cards);
        if (explanation.stock_peak_bytes) {
            first.report.details.push_back(gigabytes(*explanation.stock_peak_bytes) +
                                           " at the peak of loading with stock Faiss, on " +
                                           (cards == 1 ? "one card" : "each of " + std::to_string(cards) + " cards"));
        }
        add_ways_out(index, plan, explanation);
    }
    if (!options.devices.empty()) add_plan(options, plan, explanation);
}

}  // namespace gpushard
