// Part of every test executable whose simulated cards compute.
#include <memory>

#include <gtest/gtest.h>

#include "support/known_findings.hpp"
#include "support/simulated_cards.hpp"

namespace gpushard::test {
namespace {

/// Fails a test that ends with findings which it did not clear, but for those that any use of Faiss brings.
class FindingListener : public testing::EmptyTestEventListener {
    void OnTestEnd(const testing::TestInfo&) override {
        if (!simulated_cards_are_there()) return;
        finish_card_work();
        for (const std::string& finding : card_findings()) {
            if (!is_known(finding)) ADD_FAILURE() << "simulated cards: " << finding;
        }
        clear_card_findings();
    }
};

[[maybe_unused]] const bool listens = [] {
    testing::UnitTest::GetInstance()->listeners().Append(std::make_unique<FindingListener>().release());
    return true;
}();

}  // namespace
}  // namespace gpushard::test
