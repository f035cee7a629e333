#include "random_command.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <regex>

namespace gpushard::test {
namespace {

/// What a file option is likely to want, by its name and description.
const std::vector<std::string>& wanted_files(const ListedOption& option) {
    static const std::vector<std::pair<std::regex, std::vector<std::string>>> table = {
        {std::regex("quer"), {"queries.npy", "queries.fvecs", "queries.fbin", "link.npy", "hard.npy"}},
        {std::regex("plan"), {"plan.json"}},
        {std::regex("catalogue"), {"catalogue.json"}},
        {std::regex("log"), {"log.txt"}},
        {std::regex(""), {"flat.index", "ip.index", "link.index", "hard.index"}},
    };
    const std::string text = option.name + option.description;
    return std::find_if(table.begin(), table.end(),
                        [&](const auto& row) { return std::regex_search(text, std::regex(row.first)); })
        ->second;
}

const std::vector<std::string>& absurd_values() {
    static const std::vector<std::string> values = {"",
                                                    "0",
                                                    "-1",
                                                    "x",
                                                    "nan",
                                                    "1e308",
                                                    "0x10",
                                                    "+3",
                                                    " 5",
                                                    "1.5",
                                                    "2147483647",
                                                    "4294967296",
                                                    "9223372036854775807",
                                                    "18446744073709551616",
                                                    "999999TiB",
                                                    "\x1b[2J",
                                                    "\xc2\x9b"
                                                    "1m",
                                                    "\xff\xfe",
                                                    "a\nb",
                                                    "no-such-file",
                                                    "folder",
                                                    "../nothing",
                                                    "--",
                                                    "@fifo",
                                                    "@garbage",
                                                    "@",
                                                    "cpu=0",
                                                    "cpu=1GiB*1000000",
                                                    "cuda:0",
                                                    ","};
    return values;
}

bool is_large(const std::string& text) { return std::regex_search(text, std::regex("[0-9]{5}|e[0-9]{2}|TiB")); }

/// As a shell would take it, and as a terminal can show it.
std::string quoted(const std::string& argument) {
    static const std::regex plain("[A-Za-z0-9_./:=,@+-]+");
    if (std::regex_match(argument, plain)) return argument;
    std::string text = "$'";
    for (const char letter : argument) {
        char shown[8];
        const auto byte = static_cast<unsigned char>(letter);
        const bool is_plain = byte >= 0x20 && byte < 0x7f && letter != '\'' && letter != '\\';
        std::snprintf(shown, sizeof shown, is_plain ? "%c" : "\\x%02x", is_plain ? letter : byte);
        text += shown;
    }
    return text + "'";
}

}  // namespace

bool RandomCommand::has(const std::string& argument) const {
    return std::find(arguments.begin(), arguments.end(), argument) != arguments.end();
}

bool RandomCommand::has_one_of(const std::vector<std::string>& names) const {
    return std::ranges::any_of(names, [&](const std::string& name) { return has(name); });
}

std::string RandomCommand::text() const {
    std::string text = "gpushard";
    for (const std::string& argument : arguments) text += " " + quoted(argument);
    return text;
}

RandomCommand CommandMaker::make() {
    const ListedCommand& command = one_of(commands_);
    absurdity_ = chance(0.2) ? 0.4 : 0.01;
    made_ = {};
    made_.arguments = {command.name};
    made_.may_take_long = command.name == "bench";  // it measures everything many times
    for (const ListedOption& option : command.options) {
        if (option.is_output) continue;
        if (!chance(option.is_required ? 0.97 : option.is_positional() ? 0.9 : 0.12)) continue;
        if (made_.has_one_of(option.excludes) && !chance(0.05)) continue;
        if (option.is_positional()) {
            std::ranges::copy(positional_values(option), std::back_inserter(made_.arguments));
            continue;
        }
        made_.arguments.push_back(option.name);
        if (!option.is_flag()) made_.arguments.push_back(value(option));
    }
    add_outputs(command);
    return made_;
}

std::vector<std::string> CommandMaker::positional_values(const ListedOption& option) {
    if (option.value == "FILE") return index_files();
    return {value(option)};
}

std::vector<std::string> CommandMaker::index_files() {
    std::vector<std::string> files = {chance(0.8) ? one_of(wanted_files({})) : one_of(Sandbox::inputs())};
    if (chance(0.25)) {
        files = {"part_aa", "part_ab", "part_ac"};
        if (chance(0.5)) std::shuffle(files.begin(), files.end(), random_);
        if (chance(0.3)) files.pop_back();
        if (chance(0.1)) files.push_back(files.front());
    }
    for (std::string& name : files) {
        made_.reads.push_back(name);
        if (name.front() == '-' || chance(0.1)) name = "./" + name;
        if (name.front() != '.' && chance(0.1)) name = (sandbox_ / name).string();
    }
    return files;
}

std::string CommandMaker::value(const ListedOption& option) {
    if (chance(absurdity_)) {
        std::string absurd = one_of(absurd_values());
        made_.may_take_long |= is_large(absurd);
        return absurd;
    }
    static const std::vector<std::string> devices = {"cpu",         "cpu=64MiB", "cpu=64MiB*2", "cpu=4MiB,cpu=64MiB",
                                                     "4xA100-40GB", "any",       "cpu=1MiB",    "@rig.json"};
    static const std::vector<std::string> folders = {".", "folder", "/", "flat.index"};
    static const std::vector<std::string> sizes = {"64MiB", "1GiB", "4096", "1.5GB", "1MiB"};
    if (option.value == "FILE") return file(option);
    if (option.value == "SPEC") {
        const std::string& spec = one_of(devices);
        if (spec.front() == '@') made_.reads.push_back(spec.substr(1));
        return spec;
    }
    if (option.value == "SIZE") return one_of(sizes);
    if (option.value == "DIR") return one_of(folders);
    if (option.value == "NAME" || option.value == "TEXT") return word(option);
    return number();
}

std::string CommandMaker::file(const ListedOption& option) {
    const std::string& name = chance(0.85) ? one_of(wanted_files(option)) : one_of(Sandbox::inputs());
    made_.reads.push_back(name);
    // Queries may come through a pipe, and nobody writes to this one.
    made_.may_take_long |= name == "fifo";
    return name.front() == '-' ? "./" + name : name;
}

std::string CommandMaker::number() {
    static const std::vector<std::string> numbers = {"1", "2", "3", "7", "10", "40", "100", "1000"};
    const std::string& drawn = one_of(numbers);
    made_.may_take_long |= drawn.size() > 2;  // it may be how often something is repeated
    return drawn;
}

std::string CommandMaker::word(const ListedOption& option) {
    static const std::regex word("[a-z0-9_]+");
    const std::string& text = option.description;
    const std::vector<std::string> words(std::sregex_token_iterator(text.begin(), text.end(), word), {});
    return words.empty() ? "word" : one_of(words);
}

void CommandMaker::add_outputs(const ListedCommand& command) {
    for (const ListedOption& option : command.options) {
        if (!option.is_output || !chance(option.is_required ? 0.97 : 0.5)) continue;
        made_.arguments.push_back(option.name);
        made_.arguments.push_back(output(command));
    }
}

std::string CommandMaker::output(const ListedCommand& command) {
    const std::vector<std::string> forbidden = files_that_must_not_change(command);
    std::string name = "made" + std::to_string(made_.writes.size());
    if (!forbidden.empty() && chance(0.3)) {
        name = one_of(forbidden);
    } else if (chance(0.3)) {
        name = one_of(Sandbox::old_outputs());
    } else if (chance(0.1)) {
        name = one_of(std::vector<std::string>{"folder", "no/such/folder", "fifo", "loop", "", "made0"});
    }
    made_.writes.push_back(name);
    return !name.empty() && name.front() == '-' ? "./" + name : name;
}

std::vector<std::string> CommandMaker::files_that_must_not_change(const ListedCommand& command) const {
    const bool must_not_replace = command.has("--force") && !made_.has("--force");
    std::vector<std::string> names;
    for (const std::string& name : Sandbox::inputs()) {
        const std::vector<std::string>& arrays = Sandbox::replaced_by_search();
        const bool may_replace = command.name == "search" && std::ranges::find(arrays, name) != arrays.end();
        if ((must_not_replace && !may_replace) || sandbox_.is_one_of(name, made_.reads)) names.push_back(name);
    }
    return names;
}

}  // namespace gpushard::test
