#include <limits>

#include <gpushard/error.hpp>
#include <gpushard/index_limits.hpp>
#include <gpushard/index_profile.hpp>

namespace gpushard {
namespace {

struct MetricName {
    Metric metric;
    const char* name;
};

constexpr MetricName metric_names[] = {
    {Metric::inner_product, "inner_product"},
    {Metric::l2, "l2"},
    {Metric::l1, "l1"},
    {Metric::linf, "linf"},
    {Metric::lp, "lp"},
    {Metric::canberra, "canberra"},
    {Metric::bray_curtis, "bray_curtis"},
    {Metric::jensen_shannon, "jensen_shannon"},
    {Metric::jaccard, "jaccard"},
    {Metric::nan_euclidean, "nan_euclidean"},
    {Metric::gower, "gower"},
};

}  // namespace

std::string to_string(Metric metric) {
    for (const auto& [value, name] : metric_names) {
        if (value == metric) return name;
    }
    return "metric " + std::to_string(static_cast<std::int32_t>(metric));
}

std::optional<Metric> metric_from_number(std::int32_t number) {
    for (const auto& [value, name] : metric_names) {
        if (static_cast<std::int32_t>(value) == number) return value;
    }
    return std::nullopt;
}

bool is_similarity(Metric metric) { return metric == Metric::inner_product || metric == Metric::jaccard; }

std::string_view to_string(Precision precision) {
    switch (precision) {
        case Precision::f32:
            return "f32";
        case Precision::f16:
            return "f16";
        case Precision::bf16:
            return "bf16";
    }
    return "f32";
}

Bytes element_bytes(Precision precision) { return precision == Precision::f32 ? 4 : 2; }

std::string_view to_string(IndexType) { return "flat"; }

std::string IndexProfile::display_name() const {
    if (of_no_file) return "(no file)";
    if (files.empty()) return "memory";
    if (files.size() == 1) return files.front();
    return files.front() + " (+" + std::to_string(files.size() - 1) + " parts)";
}

namespace {

// As src/index/FORMAT.md has them.
constexpr Bytes header_bytes = 45;
constexpr Bytes header_bytes_with_argument = 49;

std::string_view flat_fourcc(Metric metric) {
    if (metric == Metric::inner_product) return "IxFI";
    return metric == Metric::l2 ? "IxF2" : "IxFl";
}

InvalidArgument no_such_index(const std::string& what, std::int64_t value, const std::string& expected) {
    return InvalidArgument("the " + what + " of an index cannot be " + std::to_string(value) + ", expected " + expected,
                           {}, {{"field", what}, {"value", value}, {"expected", expected}});
}

}  // namespace

IndexProfile flat_profile(std::int64_t count, std::int64_t dim, Metric metric) {
    if (dim < 1 || dim > largest_dim) throw no_such_index("dimension", dim, "1 to " + std::to_string(largest_dim));
    if (!metric_from_number(static_cast<std::int32_t>(metric))) {
        throw no_such_index("metric", static_cast<std::int32_t>(metric), "the number of a Faiss metric");
    }
    const bool has_argument = metric != Metric::inner_product && metric != Metric::l2;
    IndexProfile index;
    index.of_no_file = true;
    index.payload_offset = has_argument ? header_bytes_with_argument : header_bytes;
    index.dim = static_cast<std::int32_t>(dim);
    const auto largest_file = static_cast<Bytes>(std::numeric_limits<std::int64_t>::max());
    const auto most = static_cast<std::int64_t>((largest_file - index.payload_offset) / index.row_bytes());
    if (count < 0 || count > most) throw no_such_index("vector count", count, "0 to " + std::to_string(most));
    index.fourcc = flat_fourcc(metric);
    index.count = count;
    index.metric = metric;
    if (metric == Metric::lp) index.metric_arg = 1;
    index.payload_bytes = static_cast<Bytes>(count) * index.row_bytes();
    index.bytes = index.payload_offset + index.payload_bytes;
    return index;
}

Metric parse_metric(std::string_view text) {
    if (text == "ip") return Metric::inner_product;
    std::string expected = "ip";
    for (const auto& [value, name] : metric_names) {
        if (text == name) return value;
        expected += std::string(", ") + name;
    }
    const char* const cosine = text == "cosine" ? " (cosine similarity is ip of vectors of unit length)" : "";
    throw InvalidArgument("metric '" + std::string(text) + "' is unknown, expected " + expected + cosine);
}

}  // namespace gpushard
