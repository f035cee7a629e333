#include "help_text.hpp"

#include <algorithm>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "scenario/scenario.hpp"

namespace gpushard::test {
namespace {

/// The lines under "Options:", "Positionals:" or "Subcommands:", each with the lines that continue it.
std::vector<std::string> entries(const std::string& help, const std::vector<std::string>& headings) {
    std::vector<std::string> found;
    bool is_inside = false;
    std::istringstream lines(help);
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || line.front() != ' ') {
            is_inside = std::find(headings.begin(), headings.end(), line) != headings.end();
        } else if (is_inside && line.find_first_not_of(' ') == 2) {
            found.push_back(line.substr(2));
        } else if (is_inside && !found.empty()) {
            found.back() += "  " + line.substr(line.find_first_not_of(' '));
        }
    }
    return found;
}

/// What follows "Excludes:".
std::vector<std::string> excluded(const std::string& text) {
    const std::size_t heading = text.find("Excludes: ");
    if (heading == std::string::npos) return {};
    std::istringstream words(text.substr(heading + 10));
    std::vector<std::string> names;
    for (std::string word; words >> word && word.starts_with("--");) names.push_back(word);
    return names;
}

/// "-k,--k N=10 Excludes: --plan  Description": the names, what follows up to two spaces, and the rest.
ListedOption parse(const std::string& entry) {
    static const std::regex shape(R"(^(\S+)((?: \S+)*)(?:\s\s+(.*))?$)");
    static const std::regex value(R"(^ ([A-Z]+)\b(?!:).*)");
    static const std::regex writes("\\bwrite\\b", std::regex::icase);
    std::smatch parts;
    if (!std::regex_match(entry, parts, shape)) throw std::runtime_error("not an entry of a help text: " + entry);
    const std::string names = parts[1];
    const std::string facts = parts[2];
    ListedOption option;
    option.name = names.substr(names.rfind(',') + 1);
    option.description = parts[3];
    option.excludes = excluded(facts);
    option.is_required = facts.find("REQUIRED") != std::string::npos;
    std::smatch named;
    if (std::regex_match(facts, named, value) && named[1] != "REQUIRED") option.value = named[1];
    option.is_output = option.value == "FILE" && std::regex_search(option.description, writes);
    return option;
}

std::string help_of(const Arguments& command) {
    Arguments arguments = command;
    arguments.emplace_back("--help");
    const ChildResult result = run_gpushard(arguments);
    if (result.exit_code != 0) throw std::runtime_error("no help: " + result.err);
    return result.out;
}

}  // namespace

bool ListedCommand::has(const std::string& option) const {
    return std::any_of(options.begin(), options.end(), [&](const ListedOption& one) { return one.name == option; });
}

std::vector<ListedOption> listed_options(const std::string& help) {
    std::vector<ListedOption> options;
    for (const std::string& entry : entries(help, {"Positionals:", "Options:"})) {
        ListedOption option = parse(entry);
        if (option.name != "--help") options.push_back(std::move(option));
    }
    return options;
}

std::vector<ListedCommand> listed_commands() {
    std::vector<ListedCommand> commands;
    for (const std::string& entry : entries(help_of({}), {"Subcommands:"})) {
        const std::string name = entry.substr(0, entry.find(' '));
        commands.push_back({name, listed_options(help_of({name}))});
    }
    return commands;
}

}  // namespace gpushard::test
