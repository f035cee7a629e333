#include "doctor/answer.hpp"

#include <algorithm>
#include <utility>

namespace gpushard::doctor {

Answer ok(std::string found, std::vector<ErrorField> numbers) {
    CheckOutcome outcome;
    outcome.found = std::move(found);
    outcome.numbers = std::move(numbers);
    return outcome;
}

Answer warning(std::string found, std::string why, std::string remedy, std::vector<ErrorField> numbers) {
    Answer answer = ok(std::move(found), std::move(numbers));
    answer->result = CheckResult::warning;
    answer->why = std::move(why);
    answer->remedy = std::move(remedy);
    return answer;
}

Answer failure(ErrorKind kind, std::string found, std::string why, std::string remedy,
               std::vector<ErrorField> numbers) {
    Answer answer = warning(std::move(found), std::move(why), std::move(remedy), std::move(numbers));
    answer->result = CheckResult::failure;
    answer->kind = kind;
    return answer;
}

Answer unknown(std::string found, std::string why, std::string remedy) {
    Answer answer = warning(std::move(found), std::move(why), std::move(remedy));
    answer->result = CheckResult::unknown;
    return answer;
}

Answer about(const std::vector<const CardFacts*>& cards, Answer answer) {
    if (answer) {
        for (const CardFacts* card : cards) answer->devices.push_back(name_of(*card));
    }
    return answer;
}

ErrorField size_field(std::string name, Bytes bytes) {
    return {std::move(name), static_cast<std::int64_t>(std::min<Bytes>(bytes, INT64_MAX))};
}

std::string name_of(const CardFacts& card) {
    if (!card.info.spec.empty()) return card.info.spec;
    const std::string index = card.driver_index < 0 ? "GPU" : "GPU " + std::to_string(card.driver_index);
    return card.info.pci.empty() ? index : index + " at " + card.info.pci;
}

std::string long_name_of(const CardFacts& card) {
    return card.info.name.empty() ? name_of(card) : name_of(card) + " (" + card.info.name + ")";
}

std::string list_cards(const std::vector<const CardFacts*>& cards) {
    constexpr std::size_t most_listed = 4;
    std::string text;
    for (std::size_t i = 0; i < std::min(cards.size(), most_listed); ++i) {
        text += (i == 0 ? "" : ", ") + long_name_of(*cards[i]);
    }
    if (cards.size() > most_listed) text += " and " + std::to_string(cards.size() - most_listed) + " more";
    return text;
}

std::string count_of(std::size_t number, const std::string& noun) {
    return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

bool works(const CardFacts& card) { return card.visible && card.failure.empty(); }

bool has_no_code(const GpuFacts& gpu, const CardFacts& card) {
    const auto capability = parse_compute_capability(card.info.compute_capability);
    return capability && !gpu.faiss_code.empty() && !any_runs_on(gpu.faiss_code, *capability);
}

}  // namespace gpushard::doctor
