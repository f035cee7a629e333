#include <cstdio>
#include <string>

#include <faiss/Index.h>
#include <gtest/gtest.h>

#include <gpushard/version.hpp>

namespace gpushard {
namespace {

TEST(Version, IsThreeNumbers) {
    unsigned numbers[3] = {};
    char more = 0;
    EXPECT_EQ(std::sscanf(version().c_str(), "%u.%u.%u%c", &numbers[0], &numbers[1], &numbers[2], &more), 3)
        << version();
}

TEST(Version, OfFaissIsTheOneCompiledAgainst) {
    const std::string expected = std::to_string(FAISS_VERSION_MAJOR) + "." + std::to_string(FAISS_VERSION_MINOR) + "." +
                                 std::to_string(FAISS_VERSION_PATCH);
    EXPECT_EQ(faiss_version(), expected);
}

}  // namespace
}  // namespace gpushard
