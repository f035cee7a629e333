// Loads an index onto all cards while the faults of SIMCUDA_FAULTS strike, says how that ended, checks that nothing is
// left behind, and loads again without faults. Run by the fault tests: a call that fails inside Faiss ends the process.
//
//     fault_child INDEX [search]
//
// Exit codes: 0 loaded in spite of the faults, 10 + ErrorKind a clean error, 3 something was left behind or the next
// load failed.

#include <cstdlib>
#include <cuda_runtime_api.h>
#include <iostream>
#include <string>
#include <vector>

#include <gpushard/abort_report.hpp>
#include <gpushard/gpushard.hpp>

#include "support/simulated_cards.hpp"

namespace {

using namespace gpushard;

void load_and_search(const std::string& file, bool searches, const std::string& faults) {
    LoadOptions options;
    options.devices = "cuda:all";
    options.plan.reserve_bytes = 0;
    if (!searches) test::set_card_faults(faults);
    const ShardedIndex index = load(file, options);
    for (const std::string& step : index.load_report().recovery) std::cout << "recovered: " << step << '\n';
    if (searches) test::set_card_faults(faults);
    const std::vector<float> queries(static_cast<std::size_t>(600 * index.dim()), 0.25F);
    index.search(600, queries.data(), 10);
}

bool is_lost(int card) { return cudaSetDevice(card) != cudaSuccess || cudaDeviceSynchronize() != cudaSuccess; }

/// What is still held on cards that are not lost; a lost card's driver has taken everything back.
bool everything_was_given_back() {
    bool all = true;
    for (int card = 0; card < test::simulated_card_count(); ++card) {
        if (is_lost(card) || test::card_bytes(card) == 0) continue;
        std::cout << "left behind on card " << card << ": " << test::card_bytes(card) << " bytes\n";
        all = false;
    }
    if (test::pinned_bytes() != 0) {
        std::cout << "left behind on the host: " << test::pinned_bytes() << " page-locked bytes\n";
        all = false;
    }
    return all;
}

bool any_card_is_lost() {
    for (int card = 0; card < test::simulated_card_count(); ++card) {
        if (is_lost(card)) return true;
    }
    return false;
}

}  // namespace

int main(int argc, char** argv) {
    install_abort_report();
    const char* const faults = std::getenv("FAULT_CHILD_FAULTS");
    const bool searches = argc > 2;
    int exit_code = 0;
    try {
        load_and_search(argv[1], searches, faults == nullptr ? "" : faults);
    } catch (const Error& error) {
        std::cout << "error: " << error.what() << '\n';
        for (const auto& [name, value] : error.fields()) std::cout << "field: " << name << '\n';
        exit_code = 10 + static_cast<int>(error.kind());
    }
    std::cout.flush();
    test::set_card_faults("");
    if (!everything_was_given_back()) return 3;
    if (any_card_is_lost()) return exit_code;  // this process has no use of it any more
    try {
        load_and_search(argv[1], false, "");
    } catch (const Error& error) {
        std::cout << "the next load: " << error.what() << '\n';
        return 3;
    }
    return everything_was_given_back() ? exit_code : 3;
}
