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
    if (files.empty()) return "memory";
    if (files.size() == 1) return files.front();
    return files.front() + " (+" + std::to_string(files.size() - 1) + " parts)";
}

}  // namespace gpushard
