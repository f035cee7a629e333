#pragma once

#include <optional>
#include <string>
#include <vector>

#include <gpushard/doctor.hpp>

#include "doctor/machine_facts.hpp"

namespace gpushard::doctor {

/// What a check answers: an outcome, to which the table of checks adds the names. Nothing where there is nothing to
/// check.
using Answer = std::optional<CheckOutcome>;

Answer ok(std::string found, std::vector<ErrorField> numbers = {});
Answer warning(std::string found, std::string why, std::string remedy, std::vector<ErrorField> numbers = {});
Answer failure(ErrorKind kind, std::string found, std::string why, std::string remedy,
               std::vector<ErrorField> numbers = {});
Answer unknown(std::string found, std::string why, std::string remedy);

/// The same answer, about these cards.
Answer about(const std::vector<const CardFacts*>& cards, Answer answer);

/// A size as a number of an answer.
ErrorField size_field(std::string name, Bytes bytes);

/// "cuda:1", or what the driver calls a card that CUDA does not show: "GPU 1 at 0000:02:00.0".
std::string name_of(const CardFacts& card);
/// "cuda:1 (RTX 4090)", where it has a name.
std::string long_name_of(const CardFacts& card);

/// "cuda:0 (A100), cuda:1 (A100) and 6 more".
std::string list_cards(const std::vector<const CardFacts*>& cards);

/// "1 card", "2 cards".
std::string count_of(std::size_t number, const std::string& noun);

/// The cards for which `wanted(card)`.
template <typename Wanted>
std::vector<const CardFacts*> cards_where(const MachineFacts& facts, Wanted wanted) {
    std::vector<const CardFacts*> found;
    for (const CardFacts& card : facts.gpu.cards) {
        if (wanted(card)) found.push_back(&card);
    }
    return found;
}

/// Visible, and answering.
bool works(const CardFacts& card);

/// Whether it is known that Faiss brings no code for the card.
bool has_no_code(const GpuFacts& gpu, const CardFacts& card);

}  // namespace gpushard::doctor
