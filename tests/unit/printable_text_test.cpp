#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <gpushard/error.hpp>
#include <gpushard/printable_text.hpp>
#include <gpushard/report.hpp>

namespace gpushard {
namespace {

/// Whether a terminal would show it and do nothing else: no C0, no C1 as UTF-8 or as bytes of their own, nothing that
/// turns the direction or breaks the line. Written anew, not by what is tested.
bool is_harmless(const std::string& text, bool may_break_lines) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 && !(may_break_lines && byte == '\n')) return false;
        if (byte == 0x7f) return false;
        if (byte < 0x80) continue;
        const std::size_t size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 0;
        if (size == 0 || i + size > text.size()) return false;
        const std::string character = text.substr(i, size);
        for (const char* bad : {"\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x80\x8f"}) {
            if (character == bad) return false;
        }
        if (byte == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0) return false;
        i += size - 1;
    }
    return true;
}

std::string random_bytes(std::mt19937& random, std::size_t size) {
    // Half of them begin or continue something that a terminal obeys.
    static const std::string evil = "\x1b\x9b\xc2\x80\x9f\xe2\x80\xae\xa8[]31m\n\r\t\x7f\0a";
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) {
        bytes += random() % 2 == 0 ? static_cast<char>(random() % 256) : evil[random() % evil.size()];
    }
    return bytes;
}

TEST(PrintableText, NothingThatATerminalObeysRemains) {
    const std::pair<std::string, std::string> cases[] = {
        {"a\x1b[2Jb\nc", "a?[2Jb?c"},
        {"\xc2\x9b"
         "31m",
         "?31m"},
        {"\x9b"
         "31m",
         "?31m"},
        {"\xe2\x80\xae"
         "evil",
         "?evil"},
        {"\xff\xfe ok \xc3", "?? ok ?"},
        {"\xed\xa0\x80", "???"},
        {"gr\xc3\xbc\xc3\x9f \xe5\xa4\x9a\xe5\x8d\xa1", "gr\xc3\xbc\xc3\x9f \xe5\xa4\x9a\xe5\x8d\xa1"},
        {std::string("a\0b", 3), "a?b"},
        {"", ""},
    };
    for (const auto& [text, shown] : cases) EXPECT_EQ(printable(text), shown);
    EXPECT_EQ(printable("ab\xe5\xa4\x9a", 4), "ab");
    EXPECT_EQ(printable("abcdef", 4), "abcd");
    std::mt19937 random(1);
    for (int i = 0; i < 2000; ++i) {
        const std::string bytes = random_bytes(random, 40);
        ASSERT_TRUE(is_harmless(printable(bytes), false)) << testing::PrintToString(bytes);
        ASSERT_LE(printable(bytes, 17).size(), 17u);
        ASSERT_TRUE(is_harmless(printable(bytes, 17), false));
    }
}

TEST(PrintableText, JsonKeepsItsValueAndDoesNothingToATerminal) {
    std::mt19937 random(2);
    for (int i = 0; i < 500; ++i) {
        const std::string text = valid_utf8(random_bytes(random, 60));
        const nlohmann::json json = {{text, {text, 1, nullptr}}};
        const std::string printed = printable_json(json.dump(2));
        ASSERT_TRUE(is_harmless(printed, true)) << printed;
        ASSERT_EQ(nlohmann::json::parse(printed), json);
    }
}

/// Whatever a file is called, what is said of it is harmless: in text and in JSON, for errors of every kind.
TEST(PrintableText, ErrorsOfAnyFileAreHarmless) {
    std::mt19937 random(3);
    for (int i = 0; i < 300; ++i) {
        const std::string name = random_bytes(random, 30);
        const BadFile error(name + ": is bad", {"try " + name}, {{"file", name}, {name, name}});
        ASSERT_TRUE(is_harmless(to_text(error), true));
        const std::string json = to_json(error);
        ASSERT_TRUE(is_harmless(json, true));
        ASSERT_NO_THROW(nlohmann::json::parse(json));
    }
}

TEST(ShellQuoted, AWordIsOneWordOfAShell) {
    EXPECT_EQ(shell_quoted("part_aa"), "part_aa");
    EXPECT_EQ(shell_quoted(""), "''");
    EXPECT_EQ(shell_quoted("my index"), "'my index'");
    EXPECT_EQ(shell_quoted("it's"), "'it'\\''s'");
    EXPECT_EQ(shell_quoted("$HOME;rm *"), "'$HOME;rm *'");
    EXPECT_EQ(shell_quoted("\xc3\xbc"), "'\xc3\xbc'");
    EXPECT_EQ(shell_quoted("a\x9b'\\\n"), "$'a\\x9b\\'\\\\\\x0a'");
    std::mt19937 random(4);
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(is_harmless(shell_quoted(random_bytes(random, 20)), false));
}

}  // namespace
}  // namespace gpushard
