#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include <gpushard/bytes.hpp>
#include <gpushard/error.hpp>

namespace gpushard::cli {

/// An option whose text `parse` turns into `target`. What `parse` refuses with InvalidArgument is a usage error that
/// names the option.
template <typename Target, typename Parse>
CLI::Option* add_value(CLI::App& command, const std::string& flags, Target& target, Parse parse,
                       const std::string& description) {
    const std::string name = flags.substr(flags.rfind("--"));
    return command.add_option_function<std::string>(
        flags,
        [&target, parse = std::move(parse), name](const std::string& text) {
            try {
                target = parse(text);
            } catch (const InvalidArgument& error) {
                throw CLI::ValidationError(name, error.what());
            }
        },
        description);
}

/// Throws InvalidArgument for anything but decimal digits (with a sign) in the range.
std::int64_t parse_whole_number(const std::string& text, std::int64_t least, std::int64_t most);

/// A size of at least one byte.
Bytes parse_positive_bytes(const std::string& text);

/// An option that takes a whole number from `least` to `most`.
template <typename Number>
CLI::Option* add_number(CLI::App& command, const std::string& flags, Number& target, std::int64_t least,
                        std::int64_t most, const std::string& description) {
    const auto parse = [least, most](const std::string& text) {
        return static_cast<Number>(parse_whole_number(text, least, most));
    };
    return add_value(command, flags, target, parse, description)->type_name("N");
}

}  // namespace gpushard::cli
