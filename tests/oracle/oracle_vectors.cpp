#include "oracle_vectors.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <random>

#include <faiss/IndexFlat.h>
#include <faiss/index_io.h>

#include "support/half.hpp"
#include "support/shared_data.hpp"

namespace gpushard::test {
namespace {

/// Vectors around 16 centres, the same on every machine.
Rows clustered_rows(std::int64_t count, std::int32_t dim, std::uint64_t seed) {
    const Rows centres = uniform_rows(16, dim, 1);
    const Rows offsets = uniform_rows(count, dim, seed);
    std::mt19937_64 random(seed);
    Rows rows{count, dim, offsets.values};
    for (std::int64_t i = 0; i < count; ++i) {
        const float* centre = centres.row(static_cast<std::int64_t>(random() % 16));
        for (std::int32_t j = 0; j < dim; ++j) {
            float& value = rows.values[static_cast<std::size_t>(i * dim + j)];
            value = centre[j] + 0.3F * value;
        }
    }
    return rows;
}

/// The recorded embeddings, read once; none where they are not.
const Rows& recorded_rows() {
    static const Rows rows = [] {
        const std::filesystem::path folder = shared_data();
        if (folder.empty()) return Rows{};
        const std::unique_ptr<faiss::Index> index(faiss::read_index((folder / "debian_e5_flat.index").c_str()));
        const auto& flat = dynamic_cast<const faiss::IndexFlat&>(*index);
        return Rows{
            flat.ntotal, static_cast<std::int32_t>(flat.d), {flat.get_xb(), flat.get_xb() + flat.ntotal * flat.d}};
    }();
    return rows;
}

Rows cut(const Rows& rows, std::int64_t first, std::int64_t count, std::int32_t dim) {
    Rows part{count, dim, {}};
    for (std::int64_t i = first; i < first + count; ++i) {
        part.values.insert(part.values.end(), rows.row(i), rows.row(i) + dim);
    }
    return part;
}

template <typename Change>
void change_values(OracleVectors& vectors, const Change& change) {
    for (Rows* rows : {&vectors.rows, &vectors.queries}) {
        std::transform(rows->values.begin(), rows->values.end(), rows->values.begin(), change);
    }
}

}  // namespace

OracleVectors oracle_vectors(std::int64_t count, std::int32_t dim, std::int64_t nq) {
    const Rows& recorded = recorded_rows();
    if (dim > recorded.dim || count + nq > recorded.count) {
        return {clustered_rows(count, dim, 2), clustered_rows(nq, dim, 3)};
    }
    return {cut(recorded, 0, count, dim), cut(recorded, count, nq, dim)};
}

OracleVectors positive_vectors(std::int64_t count, std::int32_t dim, std::int64_t nq) {
    OracleVectors vectors{uniform_rows(count, dim, 4), uniform_rows(nq, dim, 5)};
    change_values(vectors, [](float value) { return 0.01F + std::abs(value); });
    return vectors;
}

OracleVectors byte_vectors(std::int64_t count, std::int32_t dim, std::int64_t nq) {
    OracleVectors vectors{clustered_rows(count, dim, 6), clustered_rows(nq, dim, 7)};
    change_values(vectors, [](float value) { return std::clamp(std::round(128 + 90 * value), 0.0F, 255.0F); });
    return vectors;
}

std::uint16_t to_bfloat16(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    return static_cast<std::uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

float round_to_bfloat16(float value) { return std::bit_cast<float>(std::uint32_t{to_bfloat16(value)} << 16); }

Rows rounded_to_half(Rows rows) {
    for (float& value : rows.values) value = round_to_half(value);
    return rows;
}

Rows rounded_to_bfloat16(Rows rows) {
    for (float& value : rows.values) value = round_to_bfloat16(value);
    return rows;
}

std::vector<float> column_major(const Rows& rows) {
    std::vector<float> values;
    values.reserve(rows.values.size());
    for (std::int32_t j = 0; j < rows.dim; ++j) {
        for (std::int64_t i = 0; i < rows.count; ++i) values.push_back(rows.row(i)[j]);
    }
    return values;
}

}  // namespace gpushard::test
