#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gpushard/bytes.hpp>

namespace gpushard {

/// How two vectors are compared. Values are Faiss's `MetricType`, as they stand in index files.
enum class Metric : std::int32_t {
    inner_product = 0,
    l2 = 1,  ///< squared Euclidean distance, as Faiss returns it
    l1 = 2,
    linf = 3,
    lp = 4,  ///< exponent in IndexProfile::metric_arg
    canberra = 20,
    bray_curtis = 21,
    jensen_shannon = 22,
    jaccard = 23,
    nan_euclidean = 24,
    gower = 25,
};

/// "inner_product", "l2", ...; "metric 77" for a value without a name.
std::string to_string(Metric metric);

/// The metric with this number, where it has a name.
std::optional<Metric> metric_from_number(std::int32_t number);

/// True where a larger value is a better match (inner product, Jaccard).
bool is_similarity(Metric metric);

/// How vector elements are held in memory.
enum class Precision { f32, f16, bf16 };

std::string_view to_string(Precision precision);  ///< "f32", "f16", "bf16"
Bytes element_bytes(Precision precision);         ///< 4, 2, 2

enum class IndexType { flat };

std::string_view to_string(IndexType type);

/// What an index is, from its header alone: a few dozen bytes, whatever the size of the index.
struct IndexProfile {
    std::vector<std::string> files;  ///< one path; several for a file in parts; "memory" for an index in memory
    bool of_no_file = false;         ///< made by flat_profile: to plan with, not to load
    Bytes bytes = 0;                 ///< size of the file, or of all its parts
    IndexType type = IndexType::flat;
    std::string fourcc;  ///< the type code in the file: "IxFI"
    std::int32_t dim = 0;
    std::int64_t count = 0;  ///< vectors in the index
    Metric metric = Metric::l2;
    float metric_arg = 0;
    Precision stored = Precision::f32;
    Bytes payload_offset = 0;        ///< where the vectors begin: 45 or 49, so rows are not aligned
    Bytes payload_bytes = 0;         ///< count x dim x element_bytes(stored)
    std::vector<std::string> chain;  ///< names of wrappers around the index, outermost first

    /// The path; "first_part (+2 parts)" for a file in parts; "(no file)" where there is none.
    std::string display_name() const;
    /// Bytes of one vector as stored.
    Bytes row_bytes() const { return static_cast<Bytes>(dim) * element_bytes(stored); }
};

/// What inspect_index would say of a flat index of `count` vectors of `dim` numbers in float32, for planning without
/// one. Pure. Throws InvalidArgument for a dim outside 1 to 1,048,576, a negative count, a count whose vectors no file
/// could hold (2^63 bytes), and a metric that has no name.
IndexProfile flat_profile(std::int64_t count, std::int64_t dim, Metric metric = Metric::inner_product);

/// Reads the name of a metric: as to_string has it, and "ip". Throws InvalidArgument.
Metric parse_metric(std::string_view text);

}  // namespace gpushard
