// The table of Faiss's GPU features in tests/README.md is that of the tests here: each of its rows names tests that
// exist, and each test is in a row.

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpushard::test {
namespace {

const std::string table_head = "| feature of Faiss's GPU code | runs | equals CPU | tests |";

/// The cells of the rows below the head.
std::vector<std::vector<std::string>> table_rows() {
    std::ifstream readme(std::filesystem::path(GPUSHARD_TESTS_DIR) / "README.md");
    std::vector<std::vector<std::string>> rows;
    std::string line;
    while (std::getline(readme, line) && line != table_head) continue;
    std::getline(readme, line);
    while (std::getline(readme, line) && line.rfind("| ", 0) == 0) {
        std::istringstream cells(line.substr(2));
        rows.emplace_back();
        for (std::string cell; std::getline(cells, cell, '|');) {
            rows.back().push_back(cell.substr(0, cell.find_last_not_of(' ') + 1));
            cells.ignore(1);
        }
    }
    return rows;
}

/// What stands in backticks.
std::vector<std::string> quoted(const std::string& cell) {
    std::vector<std::string> names;
    for (std::size_t first = cell.find('`'); first != std::string::npos;) {
        const std::size_t last = cell.find('`', first + 1);
        if (last == std::string::npos) break;
        names.push_back(cell.substr(first + 1, last - first - 1));
        first = cell.find('`', last + 1);
    }
    return names;
}

/// "Suite.Test" for every test of this program but the ones of this file, without parameters.
std::set<std::string> tests_that_exist() {
    std::set<std::string> names;
    const testing::UnitTest& all = *testing::UnitTest::GetInstance();
    for (int suite = 0; suite < all.total_test_suite_count(); ++suite) {
        const testing::TestSuite& tests = *all.GetTestSuite(suite);
        if (std::string(tests.name()) == "FeatureTable") continue;
        for (int test = 0; test < tests.total_test_count(); ++test) {
            const std::string name = tests.GetTestInfo(test)->name();
            names.insert(std::string(tests.name()) + "." + name.substr(0, name.find('/')));
        }
    }
    return names;
}

TEST(FeatureTable, NamesEveryTestAndNoOther) {
    std::set<std::string> named;
    for (const std::vector<std::string>& row : table_rows()) {
        for (const std::string& name : quoted(row.back())) named.insert(name);
    }
    EXPECT_THAT(named, testing::ContainerEq(tests_that_exist()));
}

TEST(FeatureTable, HasNoCellUntested) {
    const std::vector<std::vector<std::string>> rows = table_rows();
    ASSERT_FALSE(rows.empty());
    for (const std::vector<std::string>& row : rows) {
        ASSERT_EQ(row.size(), 4u) << row[0];
        for (const std::size_t cell : {1u, 2u}) {
            EXPECT_THAT(row[cell], testing::AnyOf(testing::StartsWith("yes"), testing::StartsWith("no: "))) << row[0];
        }
        EXPECT_FALSE(quoted(row[3]).empty()) << row[0];
    }
}

}  // namespace
}  // namespace gpushard::test
