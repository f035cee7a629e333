// Makes every test of the executable it is linked into fail when simulated cards found something that a kernel must not
// do, whatever the answers were.

#include <dlfcn.h>

#include <gtest/gtest.h>

#include "simcuda/simcuda.h"

namespace gpushard::test {
namespace {

template <typename Function>
Function* of_simulated_cards(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

class NoFindings final : public testing::EmptyTestEventListener {
    void OnTestEnd(const testing::TestInfo&) override {
        const auto count = of_simulated_cards<decltype(simcuda_finding_count)>("simcuda_finding_count");
        if (count == nullptr) return;  // real cards find nothing
        of_simulated_cards<decltype(simcuda_finish_all)>("simcuda_finish_all")();
        const auto text = of_simulated_cards<decltype(simcuda_finding)>("simcuda_finding");
        for (unsigned long long i = 0; i < count(); ++i) {
            if (const char* const finding = text(i)) ADD_FAILURE() << finding;
        }
        of_simulated_cards<decltype(simcuda_clear_findings)>("simcuda_clear_findings")();
    }
};

[[maybe_unused]] const bool is_listening = [] {
    testing::UnitTest::GetInstance()->listeners().Append(new NoFindings);
    return true;
}();

}  // namespace
}  // namespace gpushard::test
