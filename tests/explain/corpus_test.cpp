#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <gpushard/explain.hpp>

namespace gpushard {
namespace {

using Json = nlohmann::json;

/// Texts as people posted them, with the link and what they should be taken for: data, one entry each.
Json corpus() {
    std::ifstream file(GPUSHARD_CORPUS);
    return Json::parse(std::string(std::istreambuf_iterator<char>(file), {}))["texts"];
}

std::string headline(const Json& entry) {
    return entry["source"].get<std::string>() + ": " + entry["text"].get<std::string>().substr(0, 120);
}

TEST(Corpus, HasManyTextsEachWithItsSource) {
    const Json texts = corpus();
    EXPECT_GE(texts.size(), 60u);
    for (const Json& entry : texts) {
        EXPECT_THAT(entry["source"].get<std::string>(), testing::StartsWith("https://")) << headline(entry);
    }
}

TEST(Corpus, EveryTextIsTakenForWhatItIs) {
    for (const Json& entry : corpus()) {
        const Explanation explanation = explain(entry["text"].get<std::string>());
        ASSERT_TRUE(explanation.recognised()) << headline(entry);
        EXPECT_EQ(explanation.findings.front().report.id, entry["diagnosis"].get<std::string>()) << headline(entry);
    }
}

TEST(Corpus, NumbersAreReadFromTheText) {
    int checked = 0;
    for (const Json& entry : corpus()) {
        const Explanation explanation = explain(entry["text"].get<std::string>());
        ASSERT_TRUE(explanation.recognised()) << headline(entry);
        const Finding& first = explanation.findings.front();
        if (entry.contains("bytes")) {
            EXPECT_EQ(first.requested_bytes, entry["bytes"].get<Bytes>()) << headline(entry);
        }
        if (entry.contains("free")) {
            EXPECT_EQ(first.free_bytes, entry["free"].get<Bytes>()) << headline(entry);
        }
        if (entry.contains("cards")) {
            EXPECT_EQ(explanation.cards, entry["cards"].get<std::vector<std::int64_t>>()) << headline(entry);
        }
        if (entry.contains("amount")) {
            ASSERT_FALSE(first.readings.empty()) << headline(entry);
            EXPECT_EQ(first.readings.front().text, entry["amount"].get<std::string>()) << headline(entry);
        }
        checked += static_cast<int>(entry.size()) - 3;
    }
    EXPECT_GE(checked, 30);
}

/// What a log puts in front of lines, and how terminals wrap them, changes nothing.
TEST(Corpus, PrefixesAndColoursDoNotMatter) {
    for (const Json& entry : corpus()) {
        std::string text;
        std::string line;
        for (const char c : entry["text"].get<std::string>() + "\n") {
            if (c != '\n') {
                line += c;
                continue;
            }
            text += "\x1b[36m(WorkerDict pid=4711)\x1b[0m   " + line + "\r\n";
            line.clear();
        }
        const Explanation explanation = explain(text);
        // A shell's "Killed" stands at the beginning of its line.
        if (entry["diagnosis"] == "host-killed") continue;
        ASSERT_TRUE(explanation.recognised()) << headline(entry);
        EXPECT_EQ(explanation.findings.front().report.id, entry["diagnosis"].get<std::string>()) << headline(entry);
    }
}

}  // namespace
}  // namespace gpushard
