#include "core/plan_request.hpp"

#include <algorithm>
#include <limits>
#include <string>

namespace gpushard {
namespace {

/// Sizes above this are refused, so that no sum over a plan can wrap.
constexpr Bytes most_bytes = Bytes{1} << 62;

void validate_index(const IndexProfile& index, const PlanOptions& options) {
    if (index.dim < 1) throw out_of_range("dimension of the index", index.dim, "at least 1");
    if (index.count < 0) throw out_of_range("vector count of the index", index.count, "at least 0");
    const Bytes row_bytes = static_cast<Bytes>(index.dim) * 4;
    const Bytes copies = static_cast<Bytes>(options.replicas);
    if (static_cast<Bytes>(index.count) > most_bytes / row_bytes / copies) {
        throw InvalidArgument("index of " + std::to_string(index.count) + " x " + std::to_string(index.dim) +
                              " is beyond 2^62 bytes in float32");
    }
}

void validate_options(const PlanOptions& options) {
    constexpr std::int64_t most_neighbors = std::numeric_limits<std::int32_t>::max();
    if (options.k < 1 || options.k > most_neighbors) {
        throw out_of_range("k", options.k, "1 to " + std::to_string(most_neighbors));
    }
    if (options.max_batch < 1) throw out_of_range("largest batch", options.max_batch, "at least 1");
    if (options.threads < 0 || options.threads > most_threads) {
        throw out_of_range("number of threads", options.threads, "0 to " + std::to_string(most_threads));
    }
    if (options.min_devices < 1) throw out_of_range("smallest number of devices", options.min_devices, "at least 1");
    if (options.replicas < 1) throw out_of_range("number of replicas", options.replicas, "at least 1");
    if (options.replicas > 1 && options.strategy != Strategy::replicate) {
        throw InvalidArgument(std::to_string(options.replicas) + " replicas with strategy " +
                              std::string(to_string(options.strategy)) + ", expected strategy replicate");
    }
    if (options.staging_bytes < least_staging) {
        throw InvalidArgument("staging of " + format_bytes(options.staging_bytes) + ", expected at least " +
                              format_bytes(least_staging));
    }
}

void validate_counts(const IndexProfile& index, const PlanOptions& options) {
    if (index.count == 0) return;
    // Each copy can be spread over as many devices as it has rows.
    if (options.min_devices > index.count * options.replicas) {
        throw InvalidArgument("an index of " + std::to_string(index.count) + " vectors cannot be spread over " +
                              std::to_string(options.min_devices) + " devices");
    }
}

}  // namespace

InvalidArgument out_of_range(const std::string& what, std::int64_t value, const std::string& expected) {
    return InvalidArgument(what + " is " + std::to_string(value) + ", expected " + expected);
}

bool card_searches(Metric metric) {
    switch (metric) {
        case Metric::inner_product:
        case Metric::l2:
        case Metric::l1:
        case Metric::linf:
        case Metric::lp:
        case Metric::canberra:
        case Metric::bray_curtis:
        case Metric::jensen_shannon:
            return true;
        case Metric::jaccard:
        case Metric::nan_euclidean:
        case Metric::gower:
            return false;
    }
    return false;
}

std::vector<Precision> precisions_to_try(const IndexProfile& index, const PlanOptions& options) {
    switch (options.precision) {
        case PrecisionChoice::stored:
            return {index.stored};
        case PrecisionChoice::f32:
            return {Precision::f32};
        case PrecisionChoice::f16:
            return {Precision::f16};
        case PrecisionChoice::bf16:
            return {Precision::bf16};
        case PrecisionChoice::automatic:
            return {Precision::f32, Precision::f16};
    }
    return {index.stored};
}

void validate_request(const IndexProfile& index, const PlanOptions& options) {
    validate_options(options);
    validate_index(index, options);
    validate_counts(index, options);
}

void validate_devices(const IndexProfile& index, const std::vector<DeviceInfo>& devices, const PlanOptions& options) {
    if (devices.empty()) throw InvalidArgument("no devices, expected at least one");
    const auto asked = std::max(options.min_devices, options.replicas);
    if (devices.size() < static_cast<std::size_t>(asked)) {
        const std::string what = asked == options.min_devices ? " devices asked for" : " replicas asked for";
        throw InvalidArgument(std::to_string(asked) + what + ", but only " + std::to_string(devices.size()) +
                              " listed");
    }
    for (const DeviceInfo& device : devices) {
        if (device.kind == DeviceKind::cuda && !card_searches(index.metric)) {
            throw InvalidArgument("device '" + device.spec + "' cannot search by " + to_string(index.metric),
                                  {"--devices cpu searches by every metric of Faiss"});
        }
    }
}

void validate_spill(const std::vector<DeviceInfo>& devices, const PlanOptions& options) {
    if (options.spill_bytes == 0) return;
    const std::string spill = "a spill of " + format_bytes(options.spill_bytes);
    if (options.replicas > 1) {
        throw InvalidArgument(spill + " with " + std::to_string(options.replicas) + " replicas, expected one",
                              {"a copy in host memory would slow down every search that it answers"});
    }
    for (const DeviceInfo& device : devices) {
        if (device.kind != DeviceKind::cpu || device.spec != "cpu") continue;
        throw InvalidArgument(spill + " beside the device 'cpu', which is all of the host already",
                              {"leave the spill out, or give the device a budget as in cpu=2GiB"});
    }
}

}  // namespace gpushard
