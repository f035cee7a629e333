#include <regex>
#include <string>

#include <faiss/Index.h>
#include <gtest/gtest.h>

#include <gpushard/version.hpp>

namespace gpushard {
namespace {

TEST(Version, IsThreeNumbers) { EXPECT_TRUE(std::regex_match(version(), std::regex(R"(\d+\.\d+\.\d+)"))) << version(); }

TEST(Version, OfFaissIsTheOneCompiledAgainst) {
    const std::string expected = std::to_string(FAISS_VERSION_MAJOR) + "." + std::to_string(FAISS_VERSION_MINOR) + "." +
                                 std::to_string(FAISS_VERSION_PATCH);
    EXPECT_EQ(faiss_version(), expected);
}

}  // namespace
}  // namespace gpushard
