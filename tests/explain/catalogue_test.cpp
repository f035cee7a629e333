#include "explain/catalogue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpushard {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string problem_of(const std::string& text) {
    try {
        read_catalogue({{text, "own.json"}});
    } catch (const BadFile& error) {
        return error.what();
    }
    return "";
}

std::string entry_with(const std::string& fields) {
    return R"({"entries": [{"id": "own", "kind": "device", "title": "t", "meaning": "m", "remedies": ["r"],
                            "sources": ["https://example.org"], )" +
           fields + "}]}";
}

TEST(CatalogueCheck, BuiltInOneIsWhole) {
    const Catalogue& catalogue = built_in_catalogue();
    EXPECT_GE(catalogue.entries.size(), 80u);
    EXPECT_EQ(catalogue.uses.size(), catalogue.patterns.size());
    for (const Diagnosis& diagnosis : catalogue.diagnoses) {
        EXPECT_FALSE(diagnosis.title.empty()) << diagnosis.id;
        EXPECT_FALSE(diagnosis.meaning.empty()) << diagnosis.id;
        EXPECT_FALSE(diagnosis.remedies.empty()) << diagnosis.id;
        EXPECT_FALSE(diagnosis.sources.empty()) << diagnosis.id;
    }
}

TEST(CatalogueCheck, AnEntryNeedsNoMoreThanData) {
    const Catalogue catalogue =
        read_catalogue({{entry_with(R"("patterns": ["widget (?P<k>\\d+) fell over"])"), "own.json"}});
    ASSERT_EQ(catalogue.entries.size(), 1u);
    std::vector<int> numbers;
    catalogue.patterns.match("the WIDGET 17 fell over today", numbers);
    ASSERT_EQ(numbers, std::vector<int>{0});
    EXPECT_EQ(catalogue.patterns.capture(0, "the WIDGET 17 fell over today"), (Captures{{"k", "17"}}));
}

TEST(CatalogueCheck, SaysWhichFieldOfWhichEntryIsWrong) {
    EXPECT_THAT(problem_of("{"), HasSubstr("own.json: is not JSON"));
    EXPECT_THAT(problem_of("{}"), HasSubstr("own.json: entries is missing"));
    EXPECT_THAT(problem_of(entry_with(R"("patterns": [])")), HasSubstr("entries[0].patterns"));
    EXPECT_THAT(problem_of(entry_with(R"("patterns": ["(unclosed"])")),
                AllOf(HasSubstr("own.json: entries[0].patterns[0]"), HasSubstr("no regular expression")));
    EXPECT_THAT(problem_of(entry_with(R"("patterns": ["a*"])")), HasSubstr("matches an empty line"));
    EXPECT_THAT(problem_of(entry_with(R"_("patterns": ["(?P<colour>red)"])_")), HasSubstr("captures 'colour'"));
    EXPECT_THAT(problem_of(entry_with(R"("patterns": ["x"], "cases": [{"when": "signal:flying", "id": "b"}])")),
                AllOf(HasSubstr("entries[0].cases[0].when"), HasSubstr("signal")));
    EXPECT_THAT(problem_of(entry_with(R"("patterns": ["x"], "cases": [{"when": "amount:big", "id": "b"}])")),
                HasSubstr("whole_f32"));
    EXPECT_THAT(problem_of(entry_with(R"("patterns": ["x"], "cases": [{"when": "amount:norms", "as": "nobody"}])")),
                AllOf(HasSubstr("entries[0].cases[0].as"), HasSubstr("nobody")));
    EXPECT_THAT(problem_of(entry_with(R"("patterns": ["x"], "cases": [{"when": "amount:norms", "id": "own"}])")),
                HasSubstr("an id of its own"));
}

TEST(CatalogueCheck, ClaimsAndMarksAreChecked) {
    EXPECT_THAT(problem_of(entry_with(R"("patterns": ["x"], "claim": "rumour")")),
                AllOf(HasSubstr("entries[0].claim"), HasSubstr("expected cause, guess, symptom or notice")));
    EXPECT_THAT(problem_of(entry_with(R"("patterns": [{"pattern": "x", "claim": "rumour"}])")),
                HasSubstr("entries[0].patterns[0].claim"));
    EXPECT_THAT(problem_of(entry_with(R"("patterns": [{"claim": "guess"}])")),
                HasSubstr("entries[0].patterns[0].pattern is missing"));
    EXPECT_THAT(problem_of(entry_with(R"("patterns": ["x"], "needs": "amount:norms")")),
                AllOf(HasSubstr("entries[0].needs"), HasSubstr("'mark:'")));
    EXPECT_THAT(problem_of(entry_with(R"("patterns": ["x"], "symptom": true)")), HasSubstr(R"("claim": "symptom")"));
    EXPECT_THAT(problem_of(entry_with(R"("patterns": ["x"], "cases": [{"when": "mark:none", "id": "b"}])")),
                AllOf(HasSubstr("entries[0].cases[0].when"), HasSubstr("the id of a mark")));
}

TEST(CatalogueCheck, EverySentenceIsAskedFor) {
    for (const char* field : {"id", "kind", "title", "meaning", "remedies", "sources", "patterns"}) {
        std::string text = entry_with(R"("patterns": ["x"])");
        text.replace(text.find("\"" + std::string(field) + "\""), std::string(field).size() + 2, "\"other\"");
        EXPECT_THAT(problem_of(text), HasSubstr(std::string("entries[0].") + field + " is missing"));
    }
    std::string text = entry_with(R"("patterns": ["x"])");
    text.replace(text.find("https://example.org"), 19, "somewhere");
    EXPECT_THAT(problem_of(text), AllOf(HasSubstr("entries[0].sources[0]"), HasSubstr("a link")));
}

TEST(CatalogueCheck, WellKnownIndexesAreTheirSize) {
    const IndexProfile index = built_in_catalogue().indexes.front().profile();
    EXPECT_EQ(index.bytes, 64'559'075'373u);
    EXPECT_EQ(index.count, 21'015'324);
    EXPECT_EQ(index.dim, 768);
}

}  // namespace
}  // namespace gpushard
