#pragma once

#include <string>
#include <vector>

namespace gpushard::test {

/// An option or a positional argument as `--help` lists it.
struct ListedOption {
    std::string name;   ///< "--k", "files"
    std::string value;  ///< what its value is called: "FILE"; empty for a flag
    std::string description;
    std::vector<std::string> excludes;  ///< options that it cannot be used with

    bool is_positional() const { return name.front() != '-'; }
    bool is_flag() const { return value.empty(); }
    bool is_required = false;
    bool is_output = false;  ///< a file that the command writes
};

struct ListedCommand {
    std::string name;
    std::vector<ListedOption> options;

    bool has(const std::string& option) const;
};

/// What the text of `COMMAND --help` lists, but --help itself.
std::vector<ListedOption> listed_options(const std::string& help);

/// All commands of the tool, by what it prints of itself.
std::vector<ListedCommand> listed_commands();

}  // namespace gpushard::test
