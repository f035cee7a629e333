#include <algorithm>
#include <cmath>
#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <memory>
#include <random>
#include <vector>

#include <gmock/gmock.h>

#include "simcuda/tests/simulated_rig.hpp"

namespace gpushard::test {
namespace {

/// Memory of a card with numbers of a type, as they were rounded to it.
class Numbers {
public:
    Numbers(cudaDataType_t type, const std::vector<float>& values, int card = 0)
        : type_(type), count_(values.size()), memory_(std::max<std::size_t>(1, bytes()), card) {
        const std::vector<unsigned char> encoded = encode(values);
        EXPECT_EQ(cudaMemcpy(memory_.data(), encoded.data(), encoded.size(), cudaMemcpyHostToDevice), cudaSuccess);
    }
    /// Never written.
    Numbers(cudaDataType_t type, std::size_t count) : type_(type), count_(count), memory_(bytes()) {}

    void* data() const { return memory_.data(); }
    std::size_t bytes() const { return count_ * width(); }
    std::size_t width() const { return type_ == CUDA_R_32F ? 4 : 2; }

    std::vector<float> values() const {
        std::vector<unsigned char> encoded(bytes());
        EXPECT_EQ(cudaMemcpy(encoded.data(), memory_.data(), encoded.size(), cudaMemcpyDeviceToHost), cudaSuccess);
        std::vector<float> decoded(count_);
        for (std::size_t i = 0; i < count_; ++i) decoded[i] = decode(encoded.data() + i * width());
        return decoded;
    }

private:
    template <typename Value>
    static void append(std::vector<unsigned char>& bytes, Value value) {
        const auto* begin = reinterpret_cast<const unsigned char*>(&value);
        bytes.insert(bytes.end(), begin, begin + sizeof value);
    }
    std::vector<unsigned char> encode(const std::vector<float>& values) const {
        std::vector<unsigned char> encoded;
        for (const float value : values) {
            if (type_ == CUDA_R_32F) append(encoded, value);
            if (type_ == CUDA_R_16F) append(encoded, __float2half_rn(value));
            if (type_ == CUDA_R_16BF) append(encoded, __float2bfloat16_rn(value));
        }
        return encoded;
    }
    float decode(const unsigned char* encoded) const {
        if (type_ == CUDA_R_32F) return *reinterpret_cast<const float*>(encoded);
        if (type_ == CUDA_R_16F) return __half2float(*reinterpret_cast<const __half*>(encoded));
        return __bfloat162float(*reinterpret_cast<const __nv_bfloat16*>(encoded));
    }

    cudaDataType_t type_;
    std::size_t count_;
    DeviceBuffer memory_;
};

/// Half of the distance between two numbers of the type, of numbers about 1.
double rounding_of(cudaDataType_t type) {
    if (type == CUDA_R_32F) return 0x1p-24;
    return type == CUDA_R_16F ? 0x1p-11 : 0x1p-8;
}

struct Shape {
    int m = 0;
    int n = 0;
    int k = 0;
    bool a_transposed = false;
    bool b_transposed = false;
    int batch = 1;
    int spare = 0;  ///< rows that leading dimensions have and matrices have not; elements between two of a batch

    int a_rows() const { return a_transposed ? k : m; }
    int a_columns() const { return a_transposed ? m : k; }
    int b_rows() const { return b_transposed ? n : k; }
    int b_columns() const { return b_transposed ? k : n; }
    int a_leading() const { return std::max(1, a_rows()) + spare; }
    int b_leading() const { return std::max(1, b_rows()) + spare; }
    int c_leading() const { return std::max(1, m) + spare; }
    long long a_stride() const { return static_cast<long long>(a_leading()) * a_columns() + spare; }
    long long b_stride() const { return static_cast<long long>(b_leading()) * b_columns() + spare; }
    long long c_stride() const { return static_cast<long long>(c_leading()) * n + spare; }
    cublasOperation_t a_operation() const { return a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N; }
    cublasOperation_t b_operation() const { return b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N; }
};

struct Types {
    cudaDataType_t ab = CUDA_R_32F;
    cudaDataType_t c = CUDA_R_32F;
};

class Products : public SimulatedRig {
protected:
    void SetUp() override {
        SimulatedRig::SetUp();
        ASSERT_TRUE(cards_compute());
        ASSERT_EQ(cublasCreate(&handle_), CUBLAS_STATUS_SUCCESS);
    }
    void TearDown() override {
        EXPECT_EQ(cublasDestroy(handle_), CUBLAS_STATUS_SUCCESS);
        SimulatedRig::TearDown();
    }

    std::vector<float> random(long long count) {
        std::uniform_real_distribution<float> values(-2, 2);
        std::vector<float> all(static_cast<std::size_t>(count));
        for (float& value : all) value = values(random_);
        return all;
    }

    cublasStatus_t multiply(const Shape& shape, const Types& types, float alpha, const Numbers& a, const Numbers& b,
                            float beta, const Numbers& c) {
        return cublasGemmStridedBatchedEx(handle_, shape.a_operation(), shape.b_operation(), shape.m, shape.n, shape.k,
                                          &alpha, a.data(), types.ab, shape.a_leading(), shape.a_stride(), b.data(),
                                          types.ab, shape.b_leading(), shape.b_stride(), &beta, c.data(), types.c,
                                          shape.c_leading(), shape.c_stride(), shape.batch, CUBLAS_COMPUTE_32F_PEDANTIC,
                                          CUBLAS_GEMM_DEFAULT);
    }

    /// Every `step`-th element of every matrix of C against a sum in double, and that nothing between columns changed.
    void expect_product(const Shape& shape, const Types& types, float alpha, float beta, int step = 1) {
        const Numbers a(types.ab, random(shape.batch * shape.a_stride()));
        const Numbers b(types.ab, random(shape.batch * shape.b_stride()));
        const Numbers c(types.c, random(shape.batch * shape.c_stride()));
        const auto left = a.values();
        const auto right = b.values();
        const auto before = c.values();
        ASSERT_EQ(multiply(shape, types, alpha, a, b, beta, c), CUBLAS_STATUS_SUCCESS);
        const auto after = c.values();
        for (int index = 0; index < shape.batch; ++index) {
            const float* a_of = left.data() + index * shape.a_stride();
            const float* b_of = right.data() + index * shape.b_stride();
            for (int at = 0; at < shape.c_stride(); ++at) {
                const std::size_t place = static_cast<std::size_t>(index * shape.c_stride() + at);
                const int row = at % shape.c_leading();
                const int column = at / shape.c_leading();
                if (row >= shape.m || column >= shape.n) {
                    ASSERT_EQ(after[place], before[place]) << "between columns, at " << at;
                } else if (at % step == 0) {
                    double sum = 0;
                    double size = 0;
                    for (int i = 0; i < shape.k; ++i) {
                        const double one =
                            a_of[shape.a_transposed ? i + row * shape.a_leading() : row + i * shape.a_leading()];
                        const double other =
                            b_of[shape.b_transposed ? column + i * shape.b_leading() : i + column * shape.b_leading()];
                        sum += one * other;
                        size += std::abs(one * other);
                    }
                    const double expected = alpha * sum + (beta == 0 ? 0 : beta * before[place]);
                    size = std::abs(alpha) * size + std::abs(beta * before[place]);
                    const double tolerance =
                        (shape.k + 4) * 0x1p-24 * size + 1.01 * rounding_of(types.c) * std::abs(expected) + 1e-30;
                    ASSERT_NEAR(after[place], expected, tolerance)
                        << "matrix " << index << ", " << row << ", " << column;
                }
            }
        }
    }

    cublasHandle_t handle_ = nullptr;

private:
    std::mt19937 random_{20};
};

TEST_F(Products, OfAllTypesAndTranspositions) {
    for (const Types& types :
         {Types{CUDA_R_32F, CUDA_R_32F}, Types{CUDA_R_16F, CUDA_R_32F}, Types{CUDA_R_16F, CUDA_R_16F},
          Types{CUDA_R_16BF, CUDA_R_32F}, Types{CUDA_R_16BF, CUDA_R_16BF}}) {
        for (const bool a_transposed : {false, true}) {
            for (const bool b_transposed : {false, true}) {
                SCOPED_TRACE(testing::Message()
                             << types.ab << " to " << types.c << ", " << a_transposed << b_transposed);
                expect_product({13, 7, 33, a_transposed, b_transposed}, types, 1, 0);
                expect_product({5, 21, 17, a_transposed, b_transposed, 3, 3}, types, -2, 0.5F);
            }
        }
    }
}

TEST_F(Products, OfShapesOfSearches) {
    expect_product({500, 1, 768, true, false}, {CUDA_R_16F, CUDA_R_32F}, 1, 0);
    expect_product({1, 600, 64, true, false, 1, 1}, {CUDA_R_32F, CUDA_R_32F}, -2, 0);
    expect_product({256, 16, 4, true, false, 24}, {CUDA_R_32F, CUDA_R_32F}, 1, 1);
}

TEST_F(Products, LargerThanATileInEveryDirection) {
    for (const bool transposed : {false, true}) {
        expect_product({2100, 530, 1100, transposed, !transposed, 1, 5}, {CUDA_R_16F, CUDA_R_16F}, 0.25F, -1, 997);
        expect_product({2100, 530, 1100, transposed, transposed, 1, 5}, {CUDA_R_32F, CUDA_R_32F}, 0.25F, -1, 997);
    }
}

TEST_F(Products, OfNothing) {
    for (const Types& types : {Types{CUDA_R_32F, CUDA_R_32F}, Types{CUDA_R_16F, CUDA_R_16F}}) {
        expect_product({6, 4, 0, true, true}, types, 1, 0);
        expect_product({6, 4, 0, false, false, 2, 1}, types, 3, -0.5F);
        expect_product({6, 4, 5}, types, 0, 0.5F);
    }
    const Numbers none(CUDA_R_32F, std::vector<float>{1});
    EXPECT_EQ(multiply({.m = 0, .n = 4, .k = 4}, {}, 1, none, none, 0, none), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(multiply({.m = 4, .n = 0, .k = 4}, {}, 1, none, none, 0, none), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(multiply({.m = 4, .n = 4, .k = 4, .batch = 0}, {}, 1, none, none, 0, none), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(none.values(), std::vector<float>{1});
}

TEST_F(Products, AreNotOfWhatIsMultipliedByZero) {
    const float nan = std::nanf("");
    const Numbers numbers(CUDA_R_32F, {1, 2, 3, 4});
    const Numbers nans(CUDA_R_32F, {nan, nan, nan, nan});
    ASSERT_EQ(multiply({2, 2, 2}, {}, 1, numbers, numbers, 0, nans), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(nans.values(), (std::vector<float>{7, 10, 15, 22}));
    const Numbers others(CUDA_R_32F, {nan, nan, nan, nan});
    ASSERT_EQ(multiply({2, 2, 2}, {}, 0, others, others, 2, numbers), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(numbers.values(), (std::vector<float>{2, 4, 6, 8}));
}

TEST_F(Products, OfNumbersThatCountAreExact) {
    const Numbers a(CUDA_R_16F, {65504, 0x1p-24F, -0x1p-14F, 1});
    const Numbers b(CUDA_R_16F, {1, 0, 0, 1});
    const Numbers wide(CUDA_R_32F, 4);
    ASSERT_EQ(multiply({2, 2, 2}, {CUDA_R_16F, CUDA_R_32F}, 1, a, b, 0, wide), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(wide.values(), (std::vector<float>{65504, 0x1p-24F, -0x1p-14F, 1}));
    const Numbers narrow(CUDA_R_16F, 4);
    ASSERT_EQ(multiply({2, 2, 2}, {CUDA_R_16F, CUDA_R_16F}, 2, a, b, 0, narrow), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(narrow.values(), (std::vector<float>{INFINITY, 0x1p-23F, -0x1p-13F, 2}));
}

TEST_F(Products, AllFunctionsSayTheSame) {
    const Shape shape{9, 5, 12, true, false, 2, 3};
    const Numbers a(CUDA_R_32F, random(2 * shape.a_stride()));
    const Numbers b(CUDA_R_32F, random(2 * shape.b_stride()));
    const std::vector<float> start(static_cast<std::size_t>(2 * shape.c_stride()), 1);
    const auto of_batch = [&](const Numbers& c) {
        const auto values = c.values();
        return std::vector<float>(values.begin(), values.begin() + shape.c_stride());
    };
    const float alpha = -2;
    const float beta = 1;
    const Numbers all(CUDA_R_32F, start);
    ASSERT_EQ(multiply(shape, {}, alpha, a, b, beta, all), CUBLAS_STATUS_SUCCESS);
    const Numbers batched(CUDA_R_32F, start);
    ASSERT_EQ(cublasSgemmStridedBatched(handle_, CUBLAS_OP_T, CUBLAS_OP_N, shape.m, shape.n, shape.k, &alpha,
                                        static_cast<float*>(a.data()), shape.a_leading(), shape.a_stride(),
                                        static_cast<float*>(b.data()), shape.b_leading(), shape.b_stride(), &beta,
                                        static_cast<float*>(batched.data()), shape.c_leading(), shape.c_stride(), 2),
              CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(batched.values(), all.values());
    EXPECT_NE(of_batch(all), std::vector<float>(static_cast<std::size_t>(shape.c_stride()), 1));

    const Numbers c(CUDA_R_32F, start);
    ASSERT_EQ(cublasSgemm(handle_, CUBLAS_OP_T, CUBLAS_OP_N, shape.m, shape.n, shape.k, &alpha,
                          static_cast<float*>(a.data()), shape.a_leading(), static_cast<float*>(b.data()),
                          shape.b_leading(), &beta, static_cast<float*>(c.data()), shape.c_leading()),
              CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(of_batch(c), of_batch(all));
    const Numbers d(CUDA_R_32F, start);
    ASSERT_EQ(cublasSgemmEx(handle_, CUBLAS_OP_T, CUBLAS_OP_N, shape.m, shape.n, shape.k, &alpha, a.data(), CUDA_R_32F,
                            shape.a_leading(), b.data(), CUDA_R_32F, shape.b_leading(), &beta, d.data(), CUDA_R_32F,
                            shape.c_leading()),
              CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(of_batch(d), of_batch(all));
    const Numbers e(CUDA_R_32F, start);
    ASSERT_EQ(cublasGemmEx(handle_, CUBLAS_OP_T, CUBLAS_OP_N, shape.m, shape.n, shape.k, &alpha, a.data(), CUDA_R_32F,
                           shape.a_leading(), b.data(), CUDA_R_32F, shape.b_leading(), &beta, e.data(), CUDA_R_32F,
                           shape.c_leading(), CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
              CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(of_batch(e), of_batch(all));
}

TEST_F(Products, UseWhatTheProductBeforeLeftAndTheNumbersOfTheCall) {
    cudaStream_t stream = nullptr;
    ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    ASSERT_EQ(cublasSetStream(handle_, stream), CUBLAS_STATUS_SUCCESS);
    const Numbers a(CUDA_R_32F, {1, 2, 3, 4});
    const Numbers one(CUDA_R_32F, {1, 0, 0, 1});
    const Numbers c(CUDA_R_32F, 4);
    const Numbers d(CUDA_R_32F, 4);
    // The stream does not wait for copies on the default one.
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    float alpha = 3;
    float beta = 0;
    const auto product = [&](const Numbers& from, const Numbers& to) {
        return cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, &alpha, static_cast<float*>(from.data()), 2,
                           static_cast<float*>(one.data()), 2, &beta, static_cast<float*>(to.data()), 2);
    };
    ASSERT_EQ(product(a, c), CUBLAS_STATUS_SUCCESS);
    alpha = 10;
    ASSERT_EQ(product(c, d), CUBLAS_STATUS_SUCCESS);
    alpha = beta = 1000;
    ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    EXPECT_EQ(d.values(), (std::vector<float>{30, 60, 90, 120}));
    EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
}

TEST_F(Products, OnEveryCard) {
    ASSERT_EQ(cudaSetDevice(2), cudaSuccess);
    cublasHandle_t third = nullptr;
    ASSERT_EQ(cublasCreate(&third), CUBLAS_STATUS_SUCCESS);
    {
        const Numbers a(CUDA_R_32F, {1, 2, 3, 4}, 2);
        const Numbers c(CUDA_R_32F, {0, 0, 0, 0}, 2);
        std::swap(handle_, third);
        EXPECT_EQ(multiply({2, 2, 2}, {}, 1, a, a, 0, c), CUBLAS_STATUS_SUCCESS);
        EXPECT_EQ(c.values(), (std::vector<float>{7, 10, 15, 22}));
        std::swap(handle_, third);
        EXPECT_EQ(multiply({2, 2, 2}, {}, 1, a, a, 0, c), CUBLAS_STATUS_EXECUTION_FAILED) << "a handle of another card";
    }
    EXPECT_EQ(cublasDestroy(third), CUBLAS_STATUS_SUCCESS);
    ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
}

TEST_F(Products, TellWhatTheyReadAndWrite) {
    const Shape shape{10, 6, 8, true, false, 3, 2};
    const Numbers a(CUDA_R_16F, random(3 * shape.a_stride()));
    const Numbers b(CUDA_R_16F, random(3 * shape.b_stride()));
    const Numbers c(CUDA_R_32F, random(3 * shape.c_stride()));
    const auto traffic = [&](float alpha, float beta) {
        reset_card_counts();
        EXPECT_EQ(multiply(shape, {CUDA_R_16F, CUDA_R_32F}, alpha, a, b, beta, c), CUBLAS_STATUS_SUCCESS);
        EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
        EXPECT_EQ(card_bytes_stored(0), 3 * 4U * 60);
        EXPECT_EQ(card_bytes_loaded(1) + card_bytes_stored(1), 0U);
        return card_bytes_loaded(0);
    };
    EXPECT_EQ(traffic(1, 0), 3 * 2U * (80 + 48));
    EXPECT_EQ(traffic(1, 1), 3 * 2U * (80 + 48) + 3 * 4U * 60);
    EXPECT_EQ(traffic(0, 1), 3 * 4U * 60);
}

TEST_F(Products, OfBytesThatWereNeverWrittenAreFound) {
    const Numbers written(CUDA_R_32F, {1, 2, 3, 4});
    const Numbers unwritten(CUDA_R_32F, 4);
    const Numbers c(CUDA_R_32F, 4);
    ASSERT_EQ(multiply({2, 2, 2}, {}, 1, written, written, 0, c), CUBLAS_STATUS_SUCCESS);
    ASSERT_EQ(multiply({2, 2, 2}, {}, 1, c, written, 0, c), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(card_findings(), std::vector<std::string>{}) << "C is written, and was not read";
    ASSERT_EQ(multiply({2, 2, 2}, {}, 1, written, unwritten, 0, c), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    ASSERT_EQ(card_findings().size(), 1U);
    EXPECT_THAT(card_findings()[0], testing::HasSubstr("cublasGemmStridedBatchedEx: matrix B, 2 x 2"));
    clear_card_findings();
    ASSERT_EQ(multiply({2, 2, 2}, {}, 1, written, written, 1, unwritten), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    ASSERT_EQ(card_findings().size(), 1U);
    EXPECT_THAT(card_findings()[0], testing::HasSubstr("matrix C"));
    clear_card_findings();
}

TEST_F(Products, DoNotReadOrWriteBetweenColumns) {
    const Shape shape{.m = 3, .n = 3, .k = 3, .batch = 2, .spare = 2};
    const Numbers a(CUDA_R_32F, 36);
    const std::vector<float> columns(9, 1);
    for (const long long first : {0LL, shape.a_stride()}) {
        ASSERT_EQ(cudaMemcpy2D(static_cast<float*>(a.data()) + first, 20, columns.data(), 12, 12, 3, cudaMemcpyDefault),
                  cudaSuccess);
    }
    const Numbers c(CUDA_R_32F, 36);
    ASSERT_EQ(multiply(shape, {}, 1, a, a, 0, c), CUBLAS_STATUS_SUCCESS);
    ASSERT_EQ(multiply(shape, {}, 1, a, c, 1, c), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(card_findings(), std::vector<std::string>{});
    const Shape wider{.m = 4, .n = 3, .k = 3, .batch = 2, .spare = 1};
    const Numbers written(CUDA_R_32F, std::vector<float>(36, 1));
    const Numbers d(CUDA_R_32F, 36);
    for (const Numbers* matrix : {&a, &c}) {
        ASSERT_EQ(multiply(wider, {}, 1, *matrix, written, 0, d), CUBLAS_STATUS_SUCCESS);
        EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
        ASSERT_EQ(card_findings().size(), 1U);
        EXPECT_THAT(card_findings()[0], testing::ContainsRegex("matrix A, 4 x 3.*2 times")) << "the fourth row";
        clear_card_findings();
    }
}

TEST_F(Products, LoseTheCardAtAMatrixThatIsNotInOneAllocation) {
    const auto expect_finding = [&](int card, std::size_t a_count, std::size_t b_count, std::size_t c_count, int a_card,
                                    const std::string& name) {
        SCOPED_TRACE(name);
        const Numbers a(CUDA_R_32F, std::vector<float>(a_count, 1), a_card);
        const Numbers b(CUDA_R_32F, std::vector<float>(b_count, 1), card);
        const Numbers c(CUDA_R_32F, std::vector<float>(c_count, 1), card);
        cublasHandle_t handle = nullptr;
        EXPECT_EQ(cublasCreate(&handle), CUBLAS_STATUS_SUCCESS);
        std::swap(handle, handle_);
        EXPECT_EQ(multiply({4, 4, 4}, {}, 1, a, b, 0, c), CUBLAS_STATUS_SUCCESS);
        EXPECT_NE(cudaDeviceSynchronize(), cudaSuccess);
        std::swap(handle, handle_);
        EXPECT_NE(cublasDestroy(handle), CUBLAS_STATUS_SUCCESS);
        ASSERT_EQ(card_findings().size(), 1U);
        EXPECT_THAT(card_findings()[0], testing::HasSubstr(name));
        clear_card_findings();
        EXPECT_EQ(card_bytes_stored(card), 0U);
    };
    reset_card_counts();
    expect_finding(1, 16, 16, 16, 0, "matrix A");
    expect_finding(2, 15, 16, 16, 2, "matrix A, 4 x 4, leading dimension 4");
    expect_finding(3, 16, 15, 16, 3, "matrix B, 4 x 4, leading dimension 4");
    use("4x1GiB");
    expect_finding(2, 16, 16, 15, 2, "matrix C, 4 x 4, leading dimension 4");
    ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
}

TEST_F(Products, AreRefusedAsCuBlasDoes) {
    const Numbers numbers(CUDA_R_32F, std::vector<float>(64, 1));
    auto* data = static_cast<float*>(numbers.data());
    const float one = 1;
    const auto sgemm = [&](int m, int n, int k, int a_leading, int b_leading, int c_leading) {
        return cublasSgemm(handle_, CUBLAS_OP_T, CUBLAS_OP_N, m, n, k, &one, data, a_leading, data, b_leading, &one,
                           data, c_leading);
    };
    EXPECT_EQ(sgemm(2, 3, 4, 3, 4, 2), CUBLAS_STATUS_INVALID_VALUE);
    EXPECT_EQ(sgemm(2, 3, 4, 4, 3, 2), CUBLAS_STATUS_INVALID_VALUE);
    EXPECT_EQ(sgemm(2, 3, 4, 4, 4, 1), CUBLAS_STATUS_INVALID_VALUE);
    EXPECT_EQ(sgemm(0, 0, 0, 0, 1, 1), CUBLAS_STATUS_INVALID_VALUE);
    EXPECT_EQ(sgemm(-1, 3, 4, 4, 4, 2), CUBLAS_STATUS_INVALID_VALUE);
    const auto gemm = [&](cudaDataType_t a, cudaDataType_t b, cudaDataType_t c, cublasComputeType_t compute) {
        return cublasGemmEx(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, &one, data, a, 2, data, b, 2, &one, data, c, 2,
                            compute, CUBLAS_GEMM_DEFAULT);
    };
    EXPECT_EQ(gemm(CUDA_R_16F, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F), CUBLAS_STATUS_NOT_SUPPORTED);
    EXPECT_EQ(gemm(CUDA_R_32F, CUDA_R_32F, CUDA_R_16F, CUBLAS_COMPUTE_32F), CUBLAS_STATUS_NOT_SUPPORTED);
    EXPECT_EQ(gemm(CUDA_R_16F, CUDA_R_16F, CUDA_R_16BF, CUBLAS_COMPUTE_32F), CUBLAS_STATUS_NOT_SUPPORTED);
    EXPECT_EQ(gemm(CUDA_R_64F, CUDA_R_64F, CUDA_R_64F, CUBLAS_COMPUTE_64F), CUBLAS_STATUS_NOT_SUPPORTED);
    EXPECT_EQ(gemm(CUDA_R_16F, CUDA_R_16F, CUDA_R_16F, CUBLAS_COMPUTE_16F), CUBLAS_STATUS_NOT_SUPPORTED);
    EXPECT_EQ(cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, nullptr, data, 2, data, 2, &one, data, 2),
              CUBLAS_STATUS_INVALID_VALUE);
    ASSERT_EQ(cublasSetPointerMode(handle_, CUBLAS_POINTER_MODE_DEVICE), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(sgemm(2, 3, 4, 4, 4, 2), CUBLAS_STATUS_NOT_SUPPORTED);
    EXPECT_EQ(numbers.values(), std::vector<float>(64, 1));
}

TEST(StatusNames, AreThoseOfCuBlas) {
    EXPECT_STREQ(cublasGetStatusName(CUBLAS_STATUS_SUCCESS), "CUBLAS_STATUS_SUCCESS");
    EXPECT_STREQ(cublasGetStatusName(CUBLAS_STATUS_NOT_INITIALIZED), "CUBLAS_STATUS_NOT_INITIALIZED");
    EXPECT_STREQ(cublasGetStatusName(CUBLAS_STATUS_ALLOC_FAILED), "CUBLAS_STATUS_ALLOC_FAILED");
    EXPECT_STREQ(cublasGetStatusName(CUBLAS_STATUS_INVALID_VALUE), "CUBLAS_STATUS_INVALID_VALUE");
    EXPECT_STREQ(cublasGetStatusName(CUBLAS_STATUS_ARCH_MISMATCH), "CUBLAS_STATUS_ARCH_MISMATCH");
    EXPECT_STREQ(cublasGetStatusName(CUBLAS_STATUS_MAPPING_ERROR), "CUBLAS_STATUS_MAPPING_ERROR");
    EXPECT_STREQ(cublasGetStatusName(CUBLAS_STATUS_EXECUTION_FAILED), "CUBLAS_STATUS_EXECUTION_FAILED");
    EXPECT_STREQ(cublasGetStatusName(CUBLAS_STATUS_INTERNAL_ERROR), "CUBLAS_STATUS_INTERNAL_ERROR");
    EXPECT_STREQ(cublasGetStatusName(CUBLAS_STATUS_NOT_SUPPORTED), "CUBLAS_STATUS_NOT_SUPPORTED");
    EXPECT_STREQ(cublasGetStatusName(CUBLAS_STATUS_LICENSE_ERROR), "CUBLAS_STATUS_LICENSE_ERROR");
}

}  // namespace
}  // namespace gpushard::test
