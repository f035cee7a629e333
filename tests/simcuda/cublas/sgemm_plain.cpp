// Products where the build found no BLAS: slow.
#include <algorithm>
#include <cstddef>

#include "cublas/sgemm.hpp"

namespace cublas {
namespace {

/// So many rows of op(A) stay in the cache while the columns of op(B) go by.
constexpr int block = 32;

std::ptrdiff_t place(const Floats& matrix, std::ptrdiff_t row, std::ptrdiff_t column) {
    return matrix.transposed ? column + row * matrix.leading : row + column * matrix.leading;
}

float dot(int k, const Floats& a, int row, const Floats& b, int column) {
    double sum = 0;
    for (int i = 0; i < k; ++i) sum += double{a.data[place(a, row, i)]} * b.data[place(b, i, column)];
    return static_cast<float>(sum);
}

}  // namespace

void sgemm(int m, int n, int k, float alpha, const Floats& a, const Floats& b, float* c, int c_leading) {
    for (int first = 0; first < m; first += block) {
        const int end = std::min(m, first + block);
        for (int column = 0; column < n; ++column) {
            float* values = c + static_cast<std::ptrdiff_t>(column) * c_leading;
            for (int row = first; row < end; ++row) values[row] += alpha * dot(k, a, row, b, column);
        }
    }
}

}  // namespace cublas
