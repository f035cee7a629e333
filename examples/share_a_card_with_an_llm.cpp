// Keeps an index within a budget, so that the rest of the card stays with a language model: the budget holds for the
// load and for every search, and what does not fit is refused before anything is allocated.
//
//     share_a_card_with_an_llm path/to/flat.index BUDGET [CARD]
//
// BUDGET is a size such as 24GiB; CARD is cuda:0 by default, and may be cpu.

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include <gpushard/gpushard.hpp>

#include "checks.hpp"

namespace {

int share(const std::string& path, const std::string& budget, const std::string& card) {
    gpushard::LoadOptions options;
    options.devices = card + "=" + budget;
    const gpushard::ShardedIndex index = gpushard::load(path, options);
    std::cout << to_text(index.plan(), index.load_report()) << '\n';

    const std::vector<float> queries(static_cast<std::size_t>(100 * index.dim()), 1.0F);
    index.search(100, queries.data(), 10);

    Checks checks;
    const gpushard::Bytes held = index.peak_bytes().front();
    checks.expect(held <= gpushard::parse_bytes(budget),
                  "loading and searching took at most " + gpushard::format_bytes(held) + " of " + budget);

    // Half of what it needs is refused, with what would do instead.
    options.devices = card + "=" + std::to_string(std::max<gpushard::Bytes>(1, held / 2));
    try {
        gpushard::load(path, options);
        checks.expect(false, "a budget of half of that is refused");
    } catch (const gpushard::InsufficientMemory& refusal) {
        std::cout << to_text(refusal) << '\n';
        checks.expect(refusal.short_bytes() > 0, "a budget of half of that is refused, and says what is short");
    }
    return checks.exit_code();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::cerr << "usage: share_a_card_with_an_llm path/to/flat.index BUDGET [CARD]\n";
        return 2;
    }
    try {
        return share(argv[1], argv[2], argc > 3 ? argv[3] : "cuda:0");
    } catch (const gpushard::Error& error) {
        std::cerr << to_text(error) << '\n';
        return 1;
    }
}
