// faiss::gpu::GpuIndexIVFScalarQuantizer.

#include <cstring>
#include <tuple>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/IndexScalarQuantizer.h>
#include <faiss/gpu/GpuIndexIVFScalarQuantizer.h>

#include "cuda/faiss_gpu_compat.hpp"
#include "ivf_lists.hpp"
#include "on_cards.hpp"
#include "support/half.hpp"

namespace gpushard::test {
namespace {

using Quantizer = faiss::ScalarQuantizer::QuantizerType;

const char* name_of(Quantizer type) {
    switch (type) {
        case Quantizer::QT_8bit:
            return "8bit";
        case Quantizer::QT_8bit_uniform:
            return "8bit_uniform";
        case Quantizer::QT_8bit_direct:
            return "8bit_direct";
        case Quantizer::QT_6bit:
            return "6bit";
        case Quantizer::QT_4bit:
            return "4bit";
        case Quantizer::QT_4bit_uniform:
            return "4bit_uniform";
        case Quantizer::QT_fp16:
            return "fp16";
        default:
            return "other";
    }
}

/// Code, metric, and whether lists are interleaved.
class IvfScalarQuantizer : public OnCards, public testing::WithParamInterface<std::tuple<Quantizer, Metric, bool>> {
protected:
    Quantizer type() const { return std::get<0>(GetParam()); }
    Metric metric() const { return std::get<1>(GetParam()); }

    faiss::gpu::GpuIndexIVFScalarQuantizerConfig config() const {
        faiss::gpu::GpuIndexIVFScalarQuantizerConfig config;
        config.interleavedLayout = std::get<2>(GetParam());
        faiss_compat::without_cuvs(config);
        faiss_compat::without_cuvs(config.flatConfig);
        return config;
    }

    /// Codes that are the values themselves have no residuals.
    std::vector<bool> residuals() const {
        return type() == Quantizer::QT_8bit_direct ? std::vector<bool>{false} : std::vector<bool>{false, true};
    }

    OracleVectors vectors(std::int64_t count, std::int32_t dim, std::int64_t nq) const {
        return type() == Quantizer::QT_8bit_direct ? byte_vectors(count, dim, nq) : oracle_vectors(count, dim, nq);
    }

    /// An index on the CPU, trained and filled.
    struct Cpu {
        Cpu(const Rows& rows, int nlist, Quantizer type, Metric metric, bool by_residual)
            : quantizer(rows.dim, faiss_metric(metric)),
              index(&quantizer, static_cast<std::size_t>(rows.dim), static_cast<std::size_t>(nlist), type,
                    faiss_metric(metric), by_residual) {
            train_quickly(index, rows);
            index.add(rows.count, rows.values.data());
        }

        faiss::IndexFlat quantizer;
        faiss::IndexIVFScalarQuantizer index;
    };
};

/// Faiss on the CPU rounds ties away from zero where it has no instruction for float16.
void round_ties_to_even(ListEntries& entries, const faiss::IndexIVFScalarQuantizer& index, std::size_t list,
                        const Rows& rows) {
    std::vector<float> centroid(static_cast<std::size_t>(rows.dim));
    if (index.by_residual) index.quantizer->reconstruct(static_cast<std::int64_t>(list), centroid.data());
    for (auto& [id, code] : entries) {
        for (std::size_t j = 0; j < centroid.size(); ++j) {
            const std::uint16_t half = to_half(rows.row(id)[j] - centroid[j]);
            std::memcpy(code.data() + j * sizeof half, &half, sizeof half);
        }
    }
}

TEST_P(IvfScalarQuantizer, AnswersAsTheCpuDoes) {
    for (const bool by_residual : residuals()) {
        for (const std::int32_t dim : {40, 13}) {
            const OracleVectors made = vectors(500, dim, 9);
            Cpu cpu(made.rows, 5, type(), metric(), by_residual);
            faiss::gpu::GpuIndexIVFScalarQuantizer index(&resources(), &cpu.index, config());
            const Rows kept = kept_by(cpu.index);
            for (const auto& [nprobe, k] : {std::pair{1, 10}, std::pair{3, 1}, std::pair{5, 100}}) {
                SCOPED_TRACE(testing::Message() << "by residual " << by_residual << ", nprobe " << nprobe);
                index.nprobe = nprobe;
                cpu.index.nprobe = static_cast<std::size_t>(nprobe);
                expect_same(index, cpu.index, kept, made.queries, k);
            }
        }
    }
}

TEST_P(IvfScalarQuantizer, EncodesAsTheCpuDoes) {
    for (const bool by_residual : residuals()) {
        const OracleVectors made = vectors(400, 24, 3);
        Cpu cpu(made.rows, 4, type(), metric(), by_residual);
        cpu.index.reset();
        faiss::gpu::GpuIndexIVFScalarQuantizer index(&resources(), &cpu.index, config());
        for (const auto& [first, count] : {std::pair{0, 250}, std::pair{250, 150}}) {
            index.add(count, made.rows.row(first));
            cpu.index.add(count, made.rows.row(first));
        }
        faiss::IndexIVFScalarQuantizer copy;
        index.copyTo(&copy);
        for (std::size_t list = 0; list < 4; ++list) {
            ListEntries expected = entries_of(cpu.index, list);
            if (type() == Quantizer::QT_fp16) round_ties_to_even(expected, cpu.index, list, made.rows);
            EXPECT_EQ(entries_of(copy, list), expected) << "list " << list;
        }
        index.nprobe = 2;
        copy.nprobe = 2;
        expect_same(index, copy, kept_by(copy), made.queries, 10);
    }
}

TEST_P(IvfScalarQuantizer, IsTrainedOnTheCard) {
    use_temp_stack();
    const OracleVectors made = vectors(300, 16, 3);
    const bool by_residual = residuals().back();
    faiss::gpu::GpuIndexIVFScalarQuantizer index(&resources(), 16, 4, type(), faiss_metric(metric()), by_residual,
                                                 config());
    train_quickly(index, made.rows);
    index.add(300, made.rows.values.data());
    faiss::IndexIVFScalarQuantizer cpu;
    index.copyTo(&cpu);
    ASSERT_EQ(cpu.ntotal, 300);
    index.nprobe = 3;
    cpu.nprobe = 3;
    expect_same(index, cpu, kept_by(cpu), made.queries, 10);
}

std::vector<std::tuple<Quantizer, Metric, bool>> quantizers() {
    std::vector<std::tuple<Quantizer, Metric, bool>> all;
    for (const Quantizer type :
         {Quantizer::QT_8bit, Quantizer::QT_8bit_uniform, Quantizer::QT_8bit_direct, Quantizer::QT_6bit,
          Quantizer::QT_4bit, Quantizer::QT_4bit_uniform, Quantizer::QT_fp16}) {
        for (const Metric metric : {Metric::inner_product, Metric::l2}) {
            all.emplace_back(type, metric, true);
            // 6 bits are only for interleaved lists: Faiss aborts otherwise.
            if (type != Quantizer::QT_6bit) all.emplace_back(type, metric, false);
        }
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(, IvfScalarQuantizer, testing::ValuesIn(quantizers()), [](const auto& given) {
    return std::string(name_of(std::get<0>(given.param))) + "_" + to_string(std::get<1>(given.param)) +
           (std::get<2>(given.param) ? "_interleaved" : "");
});

}  // namespace
}  // namespace gpushard::test
