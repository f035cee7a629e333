// faiss::gpu::GpuIcmEncoder, which encodes for local search quantizers.

#include <random>
#include <vector>

#include <faiss/gpu/GpuIcmEncoder.h>
#include <faiss/impl/LocalSearchQuantizer.h>

#include "on_cards.hpp"

namespace gpushard::test {
namespace {

constexpr std::size_t count = 60;
constexpr std::size_t dim = 32;
constexpr std::size_t books = 3;
constexpr std::size_t words = 256;

/// Codebooks and first codes that are random: the encoder need not be given good ones.
class IcmEncoder : public OnCards {
protected:
    IcmEncoder() : quantizer_(dim, books, 8), vectors_(oracle_vectors(count, dim, 1)), codes_(count * books) {
        quantizer_.codebooks = uniform_rows(books * words, dim, 1).values;
        for (float& value : quantizer_.codebooks) value *= 0.05F;
        quantizer_.is_trained = true;
        std::mt19937 random(1);
        for (std::int32_t& code : codes_) code = static_cast<std::int32_t>(random() % words);
    }

    /// Codes after some rounds of an encoder.
    std::vector<std::int32_t> encoded(faiss::lsq::IcmEncoder& encoder, std::size_t rounds) const {
        std::vector<std::int32_t> codes = codes_;
        std::mt19937 random(2);
        encoder.set_binary_term();
        encoder.encode(codes.data(), vectors_.rows.values.data(), random, count, rounds);
        return codes;
    }

    /// The squared distance of a vector to what its codes stand for.
    double error(const std::vector<std::int32_t>& codes, std::size_t row) const {
        double sum = 0;
        for (std::size_t j = 0; j < dim; ++j) {
            double value = -vectors_.rows.values[row * dim + j];
            for (std::size_t book = 0; book < books; ++book) {
                const auto word = static_cast<std::size_t>(codes[row * books + book]);
                value += quantizer_.codebooks[(book * words + word) * dim + j];
            }
            sum += value * value;
        }
        return sum;
    }

    faiss::LocalSearchQuantizer quantizer_;
    OracleVectors vectors_;
    std::vector<std::int32_t> codes_;
};

TEST_F(IcmEncoder, EncodesAsTheCpuDoesWithoutChance) {
    quantizer_.nperts = 0;
    quantizer_.icm_iters = 2;
    faiss::gpu::GpuIcmEncoder on_card(&quantizer_, {&resources()}, {0});
    faiss::lsq::IcmEncoder cpu(&quantizer_);
    const std::vector<std::int32_t> ours = encoded(on_card, 1);
    const std::vector<std::int32_t> expected = encoded(cpu, 1);
    EXPECT_NE(ours, codes_);
    for (std::size_t row = 0; row < count; ++row) {
        EXPECT_NEAR(error(ours, row), error(expected, row), 1e-5 * (1 + error(expected, row))) << "vector " << row;
    }
}

TEST_F(IcmEncoder, NeverEncodesWorseAndReachesWhatTheCpuReaches) {
    quantizer_.nperts = 2;
    faiss::gpu::GpuIcmEncoder on_card(&quantizer_, {&resources()}, {0});
    faiss::lsq::IcmEncoder cpu(&quantizer_);
    const std::vector<std::int32_t> ours = encoded(on_card, 2);
    const std::vector<std::int32_t> expected = encoded(cpu, 2);
    double our_sum = 0;
    double expected_sum = 0;
    for (std::size_t row = 0; row < count; ++row) {
        EXPECT_LE(error(ours, row), error(codes_, row) + 1e-5) << "vector " << row;
        our_sum += error(ours, row);
        expected_sum += error(expected, row);
    }
    EXPECT_NEAR(our_sum, expected_sum, 0.1 * expected_sum);
}

}  // namespace
}  // namespace gpushard::test
