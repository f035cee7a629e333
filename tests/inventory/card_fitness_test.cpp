#include "cuda/card_fitness.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/error.hpp>
#include <gpushard/version.hpp>

#include "cuda/own_device_code.hpp"
#include "support/errors.hpp"
#include "support/simulated_cards.hpp"

namespace gpushard {
namespace {

using test::message_of;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

DeviceInfo card_of(const std::string& capability) {
    DeviceInfo card;
    card.spec = "cuda:1";
    card.name = "Some card";
    card.kind = DeviceKind::cuda;
    card.compute_capability = capability;
    return card;
}

TEST(OwnDeviceCode, IsFound) {
    // This Faiss is linked with code for cards, or nothing could be searched on one.
    ASSERT_THAT(faiss_device_code(), Not(IsEmpty()));
    for (const DeviceCode& code : faiss_device_code()) EXPECT_GE(code.architecture.major, 5) << code.name();
}

TEST(CardFitness, RefusesACardWithoutCode) {
    const std::string refused = message_of<DeviceError>([] { refuse_without_code(card_of("3.5")); });
    EXPECT_THAT(refused, AllOf(HasSubstr("cuda:1 (Some card) has compute capability 3.5"), HasSubstr("sm_35"),
                               HasSubstr(list_names(faiss_device_code()))));
    EXPECT_EQ(message_of<DeviceError>([] { refuse_unfit_card(card_of("3.5")); }), refused);
}

TEST(CardFitness, LetsACardPassThatHasCodeOrIsNotKnown) {
    const ComputeCapability runs = faiss_device_code().front().architecture;
    EXPECT_NO_THROW(refuse_without_code(card_of(std::to_string(runs.major) + "." + std::to_string(runs.minor))));
    EXPECT_NO_THROW(refuse_without_code(card_of("")));
    EXPECT_NO_THROW(refuse_without_code(card_of("a new one")));
}

TEST(FaissRisk, IsOfVersionsBefore1_8) {
    EXPECT_THAT(gpu_risk_of_faiss(1, 7), HasSubstr("not safe on real cards"));
    EXPECT_EQ(gpu_risk_of_faiss(1, 8), "");
    EXPECT_EQ(gpu_risk_of_faiss(1, 14), "");
    EXPECT_EQ(gpu_risk_of_faiss(2, 0), "");
    EXPECT_EQ(faiss_gpu_risk(), gpu_risk_of_faiss());
}

TEST(FaissRisk, RefusesRealCardsUnlessItIsTaken) {
    const DeviceInfo card = card_of("8.0");
    EXPECT_THAT(message_of<DeviceError>([&] { refuse_risk(card, {.risk = "it is risky"}); }),
                HasSubstr("cuda:1 (Some card) is a real card, and it is risky"));
    EXPECT_NO_THROW(refuse_risk(card, {.risk = "it is risky", .allowed = true}));
    EXPECT_NO_THROW(refuse_risk(card, {.risk = "it is risky", .simulated = true}));
    EXPECT_NO_THROW(refuse_risk(card, {}));
    try {
        refuse_risk(card, {.risk = "it is risky"});
    } catch (const DeviceError& refused) {
        EXPECT_THAT(refused.hints(), testing::Contains(HasSubstr("GPUSHARD_ALLOW_UNSAFE_FAISS=1")));
    }
}

TEST(FaissRisk, IsNoneOnSimulatedCards) {
    EXPECT_EQ(cards_are_simulated(), test::simulated_cards_are_there());
    if (cards_are_simulated()) {
        EXPECT_NO_THROW(refuse_unsafe_faiss(card_of("8.0")));
    }
}

}  // namespace
}  // namespace gpushard
