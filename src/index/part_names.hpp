#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the names of files say of the order of the pieces that an index was cut into. Pure functions of names.
namespace gpushard {

/// How the names of a run of pieces are made: HEAD, a number, TAIL.
struct PieceNaming {
    std::string head;
    std::string tail;
    /// Of the digits, as split(1) has them: `aa ab ...`, `-x`, and `-d` where it grows from 89 to 9000. Empty: decimal
    /// numbers, as people write them.
    std::string_view alphabet;
    std::size_t width = 1;               ///< the least number of digits
    std::optional<std::uint64_t> total;  ///< how many pieces there are, where names say it: `-00001-of-00005`

    std::optional<std::uint64_t> number_of(std::string_view name) const;
    std::string name_of(std::uint64_t number) const;
};

/// Every way in which this may be the name of a piece, the likeliest first.
std::vector<PieceNaming> possible_namings(std::string_view name);

/// What a list of names is.
struct NameOrder {
    enum class Verdict { no_run, in_order, wrong };
    Verdict verdict = Verdict::no_run;
    PieceNaming naming;                  ///< unless it is no run
    std::vector<std::uint64_t> numbers;  ///< of the names, as they are listed
};

NameOrder order_of(const std::vector<std::string>& names);

/// The numbers of the run that these belong to, without gaps, ascending: from the least to the largest of them, or,
/// where names say how many there are, all (from 1, unless piece 0 is among them).
std::vector<std::uint64_t> whole_run(const PieceNaming& naming, const std::vector<std::uint64_t>& numbers);

/// Whether so many numbers so far apart may be those of a run at all.
bool is_plausible_run(const PieceNaming& naming, const std::vector<std::uint64_t>& numbers);

/// What is wrong with the order, in words: "part_ac is named before part_ab". `order` is wrong, of these names, which
/// should be the `whole` run.
std::string describe_disorder(const NameOrder& order, const std::vector<std::string>& names,
                              const std::vector<std::uint64_t>& whole);

/// "x_ab", "x_ab and x_ad", "x_ab, x_ac, x_ad and 7 more".
std::string listed(const std::vector<std::string>& names);

}  // namespace gpushard
