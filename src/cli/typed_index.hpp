#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <gpushard/index_profile.hpp>

#include "cli/command_line.hpp"

namespace gpushard::cli {

/// An index that need not exist, as typed instead of a file.
struct TypedIndex {
    std::optional<std::int64_t> count;
    std::optional<std::int64_t> dim;
    std::optional<Metric> metric;

    bool is_typed() const { return count.has_value(); }
    /// Throws InvalidArgument where its numbers are no index's, or --dim is missing.
    IndexProfile profile() const;
};

/// `--count` and `--metric`, which `--count` goes with; the caller has `--dim`.
void add_typed_index(CLI::App& command, TypedIndex& index);

/// Reads a number of vectors as people write them: 21015324, 21,015,324, 21_015_324, 21M, 1.5M, 1e8. K, M, G (or B) and
/// T are thousands, millions, billions and trillions; a comma, an underscore or an apostrophe stands between groups of
/// three digits. Throws InvalidArgument for anything else, fractions of a vector and numbers of 2^63 or more.
std::int64_t parse_count(const std::string& text);

}  // namespace gpushard::cli
