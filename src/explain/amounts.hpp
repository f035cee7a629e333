#pragma once

#include <optional>
#include <string>
#include <vector>

#include <gpushard/explain.hpp>

#include "explain/catalogue.hpp"

namespace gpushard {

/// What a number of bytes can be of: an index, or its dimension, where one of them is known.
struct AmountContext {
    const Catalogue* catalogue = nullptr;
    const IndexProfile* index = nullptr;
    std::optional<std::int32_t> dim;
    bool may_guess = false;  ///< whether the bytes may be vectors of an index of which nothing is known
};

/// The ways to read a number of bytes, most likely first; certain ones first of all. Requests are rounded up to 256
/// bytes, as Faiss does.
std::vector<AmountReading> read_amount(Bytes bytes, const AmountContext& context);

/// A well-known index that has a reading like this one; null where there is none.
const WellKnownIndex* well_known_index(Bytes bytes, const Catalogue& catalogue);

/// "21,015,324 x 768 x 2 bytes (float16)".
std::string shape_text(std::int64_t rows, std::int32_t dim, Precision precision);
std::string with_digits_grouped(std::uint64_t number);
std::string precision_name(Precision precision);  ///< "float32", "float16", "bfloat16"

}  // namespace gpushard
