#include "explain/amounts.hpp"

#include <algorithm>
#include <numeric>

#include "core/card_memory.hpp"

namespace gpushard {
namespace {

constexpr int most_cards_sharing = 64;
constexpr std::size_t most_guesses = 2;
constexpr std::int64_t fewest_rows_guessed = 1000;
constexpr Bytes pinned_buffer = 256_MiB;
constexpr Bytes request_granule = 256;

/// A shape is offered as a guess where fewer than one in so many arbitrary sizes would have one as good.
constexpr double rarity_of_a_guess = 20;

/// One of the amounts that loading an index asks for.
struct Candidate {
    AmountRole role;
    std::int64_t rows;
    Precision precision;
    int parts;
};

std::vector<Candidate> candidates(const IndexProfile& index) {
    std::vector<Candidate> all = {{AmountRole::whole_f16, index.count, Precision::f16, 1},
                                  {AmountRole::whole_f32, index.count, Precision::f32, 1}};
    for (int parts = 2; parts <= most_cards_sharing; ++parts) {
        const std::int64_t fewer = index.count / parts;
        for (const std::int64_t rows : {fewer, fewer + (index.count % parts != 0 ? 1 : 0)}) {
            all.push_back({AmountRole::share_f16, rows, Precision::f16, parts});
            all.push_back({AmountRole::share_f32, rows, Precision::f32, parts});
        }
    }
    return all;
}

std::string role_reason(const Candidate& candidate) {
    switch (candidate.role) {
        case AmountRole::whole_f16:
        case AmountRole::whole_f32:
            return "all vectors of ";
        default:
            return "the equal share of one of " + std::to_string(candidate.parts) + " cards in ";
    }
}

/// The amount that fits an index exactly, if any does.
std::optional<AmountReading> exact_reading(Bytes bytes, const IndexProfile& index, const std::string& name) {
    if (index.count < 1 || index.dim < 1) return std::nullopt;
    AmountReading reading;
    reading.bytes = bytes;
    reading.dim = index.dim;
    reading.is_guess = false;
    for (const Candidate& candidate : candidates(index)) {
        if (candidate.rows < 1) continue;
        const Bytes row_bytes = static_cast<Bytes>(index.dim) * element_bytes(candidate.precision);
        if (card_rounded(checked_multiply(static_cast<Bytes>(candidate.rows), row_bytes)) != card_rounded(bytes))
            continue;
        reading.role = candidate.role;
        reading.rows = candidate.rows;
        reading.precision = candidate.precision;
        reading.parts = candidate.parts;
        reading.text = shape_text(candidate.rows, index.dim, candidate.precision);
        reading.reason = role_reason(candidate) + name;
        return reading;
    }
    if (card_rounded(checked_multiply(4, static_cast<Bytes>(index.count))) == card_rounded(bytes)) {
        reading.role = AmountRole::norms;
        reading.rows = index.count;
        reading.text = with_digits_grouped(static_cast<std::uint64_t>(index.count)) + " x 4 bytes";
        reading.reason = "the norms of " + name;
        return reading;
    }
    return std::nullopt;
}

std::optional<AmountReading> fixed_reading(Bytes bytes) {
    AmountReading reading;
    reading.bytes = bytes;
    reading.is_guess = false;
    if (bytes == pinned_buffer) {
        reading.role = AmountRole::pinned;
        reading.text = "256 MiB";
        reading.reason = "the page-locked buffer of StandardGpuResources";
        return reading;
    }
    for (const Bytes total : {80_GiB, 8_GiB, 4_GiB}) {
        if (bytes != default_temp_stack(total)) continue;
        reading.role = AmountRole::temp_stack;
        reading.text = format_bytes(bytes);
        reading.reason = std::string("Faiss's default temp stack on a card ") + (total == 80_GiB  ? "above 8 GiB"
                                                                                 : total == 8_GiB ? "of up to 8 GiB"
                                                                                                  : "of up to 4 GiB");
        return reading;
    }
    return std::nullopt;
}

/// Sizes that would have to be tried before one divides by the row, and into so round a number of rows, by accident.
double rarity(Bytes bytes, Bytes rows, Bytes row_bytes) {
    const Bytes granule = bytes % request_granule == 0 ? request_granule : 1;
    const Bytes units = row_bytes / std::gcd(granule, row_bytes);
    auto rarity = static_cast<double>(units);
    for (; rows % 10 == 0; rows /= 10) rarity *= 10;
    return rarity;
}

/// Keeps the shapes that are rare enough to say something, though so many dimensions were tried.
void drop_accidents(std::size_t dimensions, std::vector<AmountReading>& readings) {
    constexpr std::size_t precisions = 2;
    const double least = rarity_of_a_guess * static_cast<double>(dimensions * precisions);
    std::erase_if(readings, [least](const AmountReading& reading) {
        const Bytes row_bytes = static_cast<Bytes>(reading.dim) * element_bytes(reading.precision);
        return rarity(reading.bytes, static_cast<Bytes>(reading.rows), row_bytes) < least;
    });
    if (readings.size() > most_guesses) readings.resize(most_guesses);
}

void add_shapes(Bytes bytes, std::int32_t dim, const std::string& reason, std::int64_t fewest,
                std::vector<AmountReading>& readings) {
    for (const Precision precision : {Precision::f32, Precision::f16}) {
        const Bytes row_bytes = static_cast<Bytes>(dim) * element_bytes(precision);
        const Bytes rows = bytes / row_bytes;
        // Where a row is no multiple of 256 bytes, the rounding of the request may have added some.
        if (card_rounded(checked_multiply(rows, row_bytes)) != card_rounded(bytes) && bytes % row_bytes != 0) continue;
        if (rows < static_cast<Bytes>(fewest)) continue;
        AmountReading reading;
        reading.bytes = bytes;
        reading.rows = static_cast<std::int64_t>(rows);
        reading.dim = dim;
        reading.precision = precision;
        reading.text = shape_text(reading.rows, dim, precision);
        reading.reason = reason;
        readings.push_back(std::move(reading));
    }
}

}  // namespace

std::string precision_name(Precision precision) {
    return precision == Precision::f32 ? "float32" : precision == Precision::f16 ? "float16" : "bfloat16";
}

std::string with_digits_grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
    return digits;
}

std::string shape_text(std::int64_t rows, std::int32_t dim, Precision precision) {
    return with_digits_grouped(static_cast<std::uint64_t>(rows)) + " x " + std::to_string(dim) + " x " +
           std::to_string(element_bytes(precision)) + " bytes (" + precision_name(precision) + ")";
}

const WellKnownIndex* well_known_index(Bytes bytes, const Catalogue& catalogue) {
    for (const WellKnownIndex& known : catalogue.indexes) {
        const auto reading = exact_reading(bytes, known.profile(), known.name);
        if (reading && reading->role != AmountRole::norms) return &known;
    }
    return nullptr;
}

std::vector<AmountReading> read_amount(Bytes bytes, const AmountContext& context) {
    std::vector<AmountReading> readings;
    if (bytes == 0) return readings;
    if (context.index != nullptr) {
        if (auto reading = exact_reading(bytes, *context.index, "the index")) readings.push_back(std::move(*reading));
    }
    if (readings.empty()) {
        if (auto reading = fixed_reading(bytes)) return {*reading};
    }
    if (!readings.empty()) return readings;
    if (context.index == nullptr && !context.dim) {
        if (const WellKnownIndex* known = well_known_index(bytes, *context.catalogue)) {
            return {*exact_reading(bytes, known->profile(), known->name)};
        }
    }
    if (context.dim) {
        add_shapes(bytes, *context.dim, "at the dimension that was given", 1, readings);
    } else if (context.may_guess && context.index == nullptr) {
        for (const std::int32_t dim : context.catalogue->dimensions) {
            add_shapes(bytes, dim, "a guess: a common dimension, and a round number of rows", fewest_rows_guessed,
                       readings);
        }
        drop_accidents(context.catalogue->dimensions.size(), readings);
    }
    return readings;
}

}  // namespace gpushard
