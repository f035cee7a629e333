#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <numeric>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <gpushard/explain.hpp>
#include <gpushard/report.hpp>

#include "explain/catalogue.hpp"

namespace gpushard {
namespace {

using Json = nlohmann::json;

/// Texts as people posted them, with the link and what they should be taken for: data, one entry each.
Json corpus_file() {
    std::ifstream file(GPUSHARD_CORPUS);
    return Json::parse(std::string(std::istreambuf_iterator<char>(file), {}));
}

Json corpus() { return corpus_file()["texts"]; }

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

/// The entry that explains a text; "(nothing)" where none does.
std::string entry_found(const std::string& text) {
    const Explanation explanation = explain(text);
    return explanation.recognised() ? explanation.findings.front().report.id : "(nothing)";
}

/// Expected entry x entry found, of texts that were taken for something else, and how many texts were right.
struct Confusion {
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> wrong;
    std::map<std::string, int> right;

    int total_right() const {
        return std::accumulate(right.begin(), right.end(), 0,
                               [](int sum, const auto& one) { return sum + one.second; });
    }
    std::string table() const {
        std::ostringstream text;
        text << total_right() << " texts of " << right.size() << " entries found, " << wrong.size() << " confusions\n";
        for (const auto& [pair, texts] : wrong) {
            text << "  expected " << pair.first << ", found " << pair.second << ", " << texts.size() << " times\n";
            for (const std::string& one : texts) text << "    " << one << "\n";
        }
        return text.str();
    }
};

TEST(Corpus, NoEntryTakesATextOfAnother) {
    Confusion confusion;
    const Json texts = corpus();
    for (const Json& entry : texts) {
        const std::string expected = entry["diagnosis"].get<std::string>();
        const std::string found = entry_found(entry["text"].get<std::string>());
        if (found == expected) {
            ++confusion.right[expected];
        } else {
            confusion.wrong[{expected, found}].push_back(headline(entry));
        }
    }
    std::cout << confusion.table();
    EXPECT_TRUE(confusion.wrong.empty());
    EXPECT_EQ(confusion.total_right(), static_cast<int>(texts.size()));
    EXPECT_GE(texts.size(), 280u);
}

/// What is certain, guessed, or no error at all, is called so.
TEST(Corpus, ClaimsAreAsSureAsTheWords) {
    int checked = 0;
    for (const Json& entry : corpus()) {
        if (!entry.contains("claim")) continue;
        const Explanation explanation = explain(entry["text"].get<std::string>());
        ASSERT_TRUE(explanation.recognised()) << headline(entry);
        const Claim claim = explanation.findings.front().claim;
        EXPECT_EQ(to_string(claim), entry["claim"].get<std::string>()) << headline(entry);
        const std::string text = to_text(explanation);
        EXPECT_EQ(text.starts_with("a guess: "), claim == Claim::guess) << headline(entry);
        EXPECT_EQ(text.starts_with("no error: "), claim == Claim::notice) << headline(entry);
        ++checked;
    }
    EXPECT_GE(checked, 120);
}

/// Ordinary lines, and errors of other programs, are not explained.
TEST(Corpus, NothingIsRecognisedInTextsOfOthers) {
    const Json texts = corpus_file()["negatives"];
    EXPECT_GE(texts.size(), 50u);
    for (const Json& text : texts) {
        EXPECT_EQ(entry_found(text.get<std::string>()), "(nothing)") << text.get<std::string>();
    }
    std::string log;
    for (const Json& text : texts) log += text.get<std::string>() + "\n";
    EXPECT_EQ(entry_found(log), "(nothing)");
}

/// Every advice to install names the official packages of today.
TEST(Corpus, NoAdviceNamesAPackageOfThePast) {
    for (const Diagnosis& diagnosis : built_in_catalogue().diagnoses) {
        for (const std::string& remedy : diagnosis.remedies) {
            EXPECT_THAT(remedy,
                        testing::Not(testing::ContainsRegex("faiss-gpu ?=+ ?1\\.[0-8]\\.[0-9]+,|faiss-gpu-cu1[12],"
                                                            "|conda install [^;]*faiss-gpu")))
                << diagnosis.id;
        }
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
        checked += static_cast<int>(entry.size()) - (entry.contains("claim") ? 4 : 3);
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
        ASSERT_TRUE(explanation.recognised()) << headline(entry);
        EXPECT_EQ(explanation.findings.front().report.id, entry["diagnosis"].get<std::string>()) << headline(entry);
    }
}

}  // namespace
}  // namespace gpushard
