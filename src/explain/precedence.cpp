#include "explain/precedence.hpp"

namespace gpushard {

bool is_stronger(Claim a, Claim b) { return static_cast<int>(a) < static_cast<int>(b); }

bool outranks(const Contender& a, const Contender& b) {
    if (a.claim != b.claim) return is_stronger(a.claim, b.claim);
    return a.entry < b.entry;
}

std::string why_won(const Contender& winner, std::size_t contenders) {
    const std::string claim = "a " + std::string(to_string(winner.claim));
    return contenders == 1 ? claim + ", and nothing else matches"
                           : claim + ", the strongest claim, and of those the first in the catalogue";
}

std::string why_outranked(const Contender& loser, const Contender& winner, std::string_view winner_id) {
    const std::string claim = "a " + std::string(to_string(loser.claim));
    if (loser.claim == winner.claim) return claim + " too, but later in the catalogue than " + std::string(winner_id);
    return claim + ", and " + std::string(winner_id) + " is a " + std::string(to_string(winner.claim));
}

}  // namespace gpushard
