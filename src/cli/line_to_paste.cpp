#include "cli/line_to_paste.hpp"

#include <algorithm>
#include <utility>

#include <gpushard/printable_text.hpp>

namespace gpushard::cli {
namespace {

std::string joined(const std::vector<std::string>& words) {
    std::string line;
    for (const std::string& word : words) line += (line.empty() ? "" : " ") + shell_quoted(word);
    return line;
}

/// The words with the files that were meant where those that were typed began; empty where none was typed.
std::vector<std::string> corrected(const WrongParts& error, const std::vector<std::string>& typed) {
    std::vector<std::string> given = error.given();
    std::vector<std::string> words;
    bool is_replaced = false;
    for (const std::string& word : typed) {
        const auto file = std::find(given.begin(), given.end(), word);
        if (file == given.end()) {
            words.push_back(word);
            continue;
        }
        given.erase(file);
        if (!is_replaced) words.insert(words.end(), error.in_order().begin(), error.in_order().end());
        is_replaced = true;
    }
    return is_replaced ? words : std::vector<std::string>();
}

}  // namespace

InvalidArgument with_line_to_paste(const WrongParts& error, const std::vector<std::string>& typed) {
    const std::vector<std::string> words = corrected(error, typed);
    if (error.in_order().empty() || words.empty()) return error;
    std::vector<std::string> hints = error.hints();
    hints.front() = "gpushard " + joined(words);
    return InvalidArgument(error.what(), std::move(hints), error.fields());
}

}  // namespace gpushard::cli
