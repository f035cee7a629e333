#include "gpu_checks/measurements.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <random>

#include <faiss/gpu/GpuCloner.h>
#include <faiss/gpu/GpuIndexFlat.h>
#include <faiss/gpu/StandardGpuResources.h>

#include <gpushard/load.hpp>

#include "bench/card_counters.hpp"
#include "bench/timing.hpp"
#include "cuda/cuda_inventory.hpp"
#include "gpu_checks/card_under_test.hpp"
#include "gpu_checks/copy_rates.hpp"
#include "gpu_checks/flat_source.hpp"
#include "gpu_checks/free_bytes_watch.hpp"

namespace gpushard::test {
namespace {

constexpr std::int32_t dim = 768;
constexpr std::int64_t k = 10;
constexpr std::int64_t batches[] = {1, 16, 256, 4096};

double in_gib(Bytes bytes) { return static_cast<double>(bytes) / static_cast<double>(1_GiB); }

/// Loads can be timed and searches mean something.
bool has_speeds() { return bench::CardCounters::find() == nullptr; }

/// 2 GiB of float32, or as much as leaves stock Faiss its four copies in float16 and its stack. Simulated cards keep
/// their memory on the host.
std::int64_t row_count() {
    const Bytes most = has_speeds() ? 2_GiB : 128_MiB;
    const Bytes free = card_free_bytes();
    const Bytes for_copies = (free - std::min<Bytes>(free, 2_GiB)) / 3;
    return static_cast<std::int64_t>(std::min(most, for_copies) / (dim * sizeof(float)));
}

std::vector<float> random_values(std::int64_t rows, std::uint64_t seed) {
    std::vector<float> values(static_cast<std::size_t>(rows * dim));
#pragma omp parallel for
    for (std::int64_t row = 0; row < rows; ++row) {
        std::minstd_rand random(
            static_cast<std::minstd_rand::result_type>(seed * 1'000'003 + static_cast<std::uint64_t>(row) + 1));
        std::uniform_real_distribution<float> uniform(-1, 1);
        for (std::int32_t i = 0; i < dim; ++i) values[static_cast<std::size_t>(row * dim + i)] = uniform(random);
    }
    return values;
}

std::unique_ptr<faiss::IndexFlat> make_data() {
    auto index = std::make_unique<faiss::IndexFlat>(dim, faiss::METRIC_INNER_PRODUCT);
    const std::int64_t count = row_count();
    index->add(count, random_values(count, 1).data());
    return index;
}

/// gpushard's load of the data.
class Ours {
public:
    Ours(const faiss::IndexFlat& data, bool in_f16) {
        PlanOptions options;
        options.precision = in_f16 ? PrecisionChoice::f16 : PrecisionChoice::f32;
        options.max_batch = batches[std::size(batches) - 1];
        options.k = k;
        index_.emplace(load_onto({part_of_card(card_free_bytes())}, std::make_shared<FlatSource>(data), options));
    }
    void search(std::int64_t nq, const float* queries, float* distances, std::int64_t* ids) const {
        index_->search(nq, queries, k, distances, ids);
    }

private:
    std::optional<ShardedIndex> index_;
};

/// What stands beside it: index_cpu_to_gpu, or one add to an empty GpuIndexFlat.
class Stock {
public:
    enum class Way { clone, add };

    Stock(const faiss::IndexFlat& data, bool in_f16, Way way) {
        const int ordinal = ordinal_of_card(card());
        if (way == Way::clone) {
            faiss::gpu::GpuClonerOptions options;
            options.useFloat16 = in_f16;
            index_.reset(faiss::gpu::index_cpu_to_gpu(&resources_, ordinal, &data, &options));
            return;
        }
        faiss::gpu::GpuIndexFlatConfig config;
        config.device = ordinal;
        config.useFloat16 = in_f16;
        index_ = std::make_unique<faiss::gpu::GpuIndexFlat>(&resources_, dim, data.metric_type, config);
        index_->add(data.ntotal, data.get_xb());
    }
    void search(std::int64_t nq, const float* queries, float* distances, std::int64_t* ids) const {
        index_->search(nq, queries, k, distances, ids);
    }

private:
    faiss::gpu::StandardGpuResources resources_;
    std::unique_ptr<faiss::Index> index_;
};

/// Seconds and bytes of one way to load, each load from nothing to searchable.
struct LoadFigures {
    double seconds = 0;
    Bytes peak = 0;
};

template <typename Load>
LoadFigures measure_load(int repetitions, Load load) {
    static_cast<void>(load());  // loads kernels, which stay
    LoadFigures figures;
    {
        // Apart from the timed loads: asking the driver over and over holds it up.
        FreeBytesWatch watch;
        const auto loaded = load();
        figures.peak = watch.most_taken();
    }
    if (!has_speeds()) return figures;
    std::vector<double> times;
    for (int i = 0; i < repetitions; ++i) {
        decltype(load()) loaded;
        times.push_back(bench::seconds([&] { loaded = load(); }));
    }
    figures.seconds = bench::median(times);
    return figures;
}

template <typename Searched>
double seconds_to_search(const Searched& searched, const std::vector<float>& queries, std::int64_t nq,
                         int repetitions) {
    std::vector<float> distances(static_cast<std::size_t>(nq * k));
    std::vector<std::int64_t> ids(distances.size());
    const auto search = [&] { searched.search(nq, queries.data(), distances.data(), ids.data()); };
    search();
    std::vector<double> times;
    for (int i = 0; i < repetitions; ++i) times.push_back(bench::seconds_per_call(search));
    return bench::median(times);
}

class CardMeasurement {
public:
    CardMeasurement(int repetitions, const std::function<void(const std::string&)>& step)
        : repetitions_(repetitions), step_(step) {}

    std::vector<Measurement> run() {
        measure_context_bytes();
        if (has_speeds()) {
            step_("rates of copying");
            const CopyRates rates = measure_copy_rates(repetitions_);
            add("host_to_card", "GB/s", rates.to_card / 1e9, "page-locked memory");
            add("card_to_host", "GB/s", rates.from_card / 1e9, "page-locked memory");
        }
        step_("data");
        data_ = make_data();
        for (const bool in_f16 : {false, true}) {
            compare_loads(in_f16);
            if (has_speeds()) compare_searches(in_f16);
        }
        return std::move(measured_);
    }

private:
    // Only a process without a context can measure one, so this comes first.
    void measure_context_bytes() {
        step_("what a context takes");
        const DeviceInfo measured = measure_context(system_inventory().cards().front());
        if (measured.context_measured) add("context", "GiB", in_gib(measured.context_bytes), "measured by the driver");
    }

    void compare_loads(bool in_f16) {
        const std::string suffix = in_f16 ? "_f16" : "_f32";
        step_("load" + suffix);
        const LoadFigures ours = measure_load(repetitions_, [&] { return std::make_unique<Ours>(*data_, in_f16); });
        const LoadFigures cloned =
            measure_load(repetitions_, [&] { return std::make_unique<Stock>(*data_, in_f16, Stock::Way::clone); });
        const LoadFigures added =
            measure_load(repetitions_, [&] { return std::make_unique<Stock>(*data_, in_f16, Stock::Way::add); });
        for (const auto& [figures, beside] :
             {std::pair{cloned, "index_cpu_to_gpu"}, std::pair{added, "GpuIndexFlat::add"}}) {
            if (has_speeds()) {
                const double payload = static_cast<double>(data_->ntotal) * dim * sizeof(float) / 1e9;
                compare("load" + suffix, "GB/s", payload / ours.seconds, payload / figures.seconds,
                        figures.seconds / ours.seconds, beside);
            }
            compare("load_peak" + suffix, "GiB", in_gib(ours.peak), in_gib(figures.peak),
                    static_cast<double>(figures.peak) / static_cast<double>(std::max<Bytes>(ours.peak, 1)), beside);
        }
    }

    void compare_searches(bool in_f16) {
        const std::vector<float> queries = random_values(batches[std::size(batches) - 1], 2);
        // Each has the card to itself.
        std::vector<double> ours;
        std::vector<double> faiss;
        {
            const Ours searched(*data_, in_f16);
            for (const std::int64_t nq : batches) ours.push_back(timed(searched, queries, nq));
        }
        {
            const Stock searched(*data_, in_f16, Stock::Way::clone);
            for (const std::int64_t nq : batches) faiss.push_back(timed(searched, queries, nq));
        }
        for (std::size_t i = 0; i < std::size(batches); ++i) {
            const auto nq = static_cast<double>(batches[i]);
            compare("qps_nq" + std::to_string(batches[i]) + (in_f16 ? "_f16" : "_f32"), "1/s", nq / ours[i],
                    nq / faiss[i], faiss[i] / ours[i], "GpuIndexFlat::search");
        }
    }

    template <typename Searched>
    double timed(const Searched& searched, const std::vector<float>& queries, std::int64_t nq) const {
        step_("search in batches of " + std::to_string(nq));
        return seconds_to_search(searched, queries, nq, repetitions_);
    }

    void add(std::string what, std::string unit, double figure, std::string meaning) {
        compare(std::move(what), std::move(unit), figure, 0, 0, std::move(meaning));
    }

    void compare(std::string what, std::string unit, double ours, double faiss, double ratio, std::string beside) {
        measured_.push_back({std::move(what), std::move(unit), ours, faiss, ratio, std::move(beside)});
    }

    const int repetitions_;
    const std::function<void(const std::string&)>& step_;
    std::unique_ptr<faiss::IndexFlat> data_;
    std::vector<Measurement> measured_;
};

}  // namespace

std::vector<Measurement> measure_card(int repetitions, const std::function<void(const std::string&)>& step) {
    return CardMeasurement(repetitions, step).run();
}

}  // namespace gpushard::test
