#include "index/index_header.hpp"

#include <cmath>

#include <gpushard/index_limits.hpp>

namespace gpushard {
namespace {

Metric checked_metric(const IndexCursor& cursor, const IndexField<std::int32_t>& field) {
    const auto metric = metric_from_number(field.value);
    if (!metric) throw cursor.refuse(field, "the number of a Faiss metric (0 to 4, 20 to 25)");
    return *metric;
}

float checked_metric_arg(const IndexCursor& cursor, const IndexField<float>& field, Metric metric) {
    if (!std::isfinite(field.value)) throw cursor.refuse(field, "a finite number");
    if (metric == Metric::lp && field.value <= 0) throw cursor.refuse(field, "a positive exponent for metric lp");
    return field.value;
}

}  // namespace

IndexHeader read_index_header(IndexCursor& cursor) {
    IndexHeader header;
    header.dim = cursor.read<std::int32_t>("dimension");
    if (header.dim.value < 1 || header.dim.value > largest_dim) {
        throw cursor.refuse(header.dim, "1 to " + std::to_string(largest_dim));
    }
    header.count = cursor.read<std::int64_t>("vector count");
    if (header.count.value < 0) throw cursor.refuse(header.count, "0 or more");
    cursor.read<std::int64_t>("first unused field");
    cursor.read<std::int64_t>("second unused field");
    const auto is_trained = cursor.read<std::uint8_t>("is_trained");
    if (is_trained.value > 1) throw cursor.refuse(is_trained, "0 or 1");
    header.metric = checked_metric(cursor, cursor.read<std::int32_t>("metric"));
    const bool has_metric_arg = static_cast<std::int32_t>(header.metric) > static_cast<std::int32_t>(Metric::l2);
    if (has_metric_arg) {
        header.metric_arg = checked_metric_arg(cursor, cursor.read<float>("metric argument"), header.metric);
    }
    return header;
}

}  // namespace gpushard
