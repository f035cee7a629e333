#pragma once

#include <string>
#include <string_view>

#include <gpushard/explain.hpp>

/// Which entry of the catalogue explains a line, and which finding comes first. This is the whole rule:
///
/// Each pattern makes a claim (its own, or that of its entry). A line goes to the entry with the strongest claim: a
/// cause before a guess, a guess before a symptom, a symptom before a notice. Of equal claims it goes to the entry that
/// stands earlier in the catalogue; catalogues of the caller's stand before the built-in one. So words that one fault
/// alone produces are a `cause`, and words that many faults share are a `guess` or a `symptom` wherever they stand:
/// they can never take a line from it. What the lines before said, or what the number of bytes is, then chooses among
/// the cases of that entry, the first that holds; a case may make its own claim.
///
/// In a text, findings are in the order of their claims, and of equal claims in that of their first lines.
namespace gpushard {

/// An entry that matches a line.
struct Contender {
    std::size_t entry = 0;
    Claim claim = Claim::cause;
};

/// Whether `a` explains a line that both match.
bool outranks(const Contender& a, const Contender& b);

/// Whether a finding of claim `a` is printed before one of claim `b`, whatever lines they come from.
bool is_stronger(Claim a, Claim b);

/// Why `winner` explains the line, of `contenders` entries that match it.
std::string why_won(const Contender& winner, std::size_t contenders);
/// Why `loser` did not explain the line: "a guess, and ID is a cause".
std::string why_outranked(const Contender& loser, const Contender& winner, std::string_view winner_id);

}  // namespace gpushard
