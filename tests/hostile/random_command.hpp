#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "help_text.hpp"
#include "sandbox.hpp"

namespace gpushard::test {

/// A call of the tool in a sandbox, and what is known of it beforehand.
struct RandomCommand {
    Arguments arguments;
    std::vector<std::string> reads;   ///< names given to it to be read
    std::vector<std::string> writes;  ///< names given to it to be written
    bool may_take_long = false;       ///< it measures, or was given a large number or a pipe that nobody writes

    const std::string& name() const { return arguments.front(); }
    bool has(const std::string& argument) const;
    bool has_one_of(const std::vector<std::string>& names) const;
    std::string text() const;
};

/// Makes commands of what --help lists. An output that would lead to a file of the sandbox is one that the command
/// reads as well, or that must not be replaced without --force; so inputs never change, whatever is made.
class CommandMaker {
public:
    CommandMaker(const std::vector<ListedCommand>& commands, const Sandbox& sandbox, std::uint64_t seed)
        : commands_(commands), sandbox_(sandbox), random_(seed) {}

    RandomCommand make();

private:
    bool chance(double probability) { return std::bernoulli_distribution(probability)(random_); }
    std::size_t below(std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_); }
    template <typename Value>
    const Value& one_of(const std::vector<Value>& values) {
        return values[below(values.size())];
    }

    std::vector<std::string> positional_values(const ListedOption& option);
    std::vector<std::string> index_files();
    std::string value(const ListedOption& option);
    std::string file(const ListedOption& option);
    std::string number();
    std::string word(const ListedOption& option);
    std::string output(const ListedCommand& command);
    std::vector<std::string> files_that_must_not_change(const ListedCommand& command) const;
    void add_outputs(const ListedCommand& command);

    const std::vector<ListedCommand>& commands_;
    const Sandbox& sandbox_;
    std::mt19937_64 random_;
    double absurdity_ = 0;  ///< how likely a value is one that makes no sense
    RandomCommand made_;
};

}  // namespace gpushard::test
