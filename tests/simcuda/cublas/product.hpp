#pragma once

#include <cstddef>

#include "cublas/cublas_abi.hpp"

namespace cublas {

inline std::ptrdiff_t bytes_of(Type type) { return type == Type::f32 ? 4 : 2; }

/// A matrix on a card in the order of columns, `leading` elements apart; in a batch, the next is `stride` elements on.
struct Matrix {
    void* data = nullptr;
    Type type = Type::f32;
    int leading = 0;
    long long stride = 0;
    bool transposed = false;
};

/// C = alpha op(A) op(B) + beta C, with op(A) m x k and op(B) k x n, `batch` times.
struct Product {
    const char* function = "";  ///< as findings name it; lives for ever
    int card = 0;
    int m = 0;
    int n = 0;
    int k = 0;
    int batch = 1;
    float alpha = 1;
    float beta = 0;
    Matrix a;
    Matrix b;
    Matrix c;

    /// Whether A and B count for anything; else they are not read.
    bool multiplies() const { return k > 0 && alpha != 0; }
};

/// What cuBLAS says of it when it is called.
Status check(const Product& product);

/// Within work of a stream. Stops, with a finding, at a matrix that is not whole within an allocation.
void compute(const Product& product);

}  // namespace cublas
