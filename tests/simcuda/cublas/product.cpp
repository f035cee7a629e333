#include "cublas/product.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cublas/sgemm.hpp"
#include "cublas/stored_matrix.hpp"

namespace cublas {
namespace {

/// What is multiplied at a time, which bounds the room for what is widened: 15 MiB.
constexpr int tile_rows = 2048;
constexpr int tile_columns = 512;
constexpr int tile_depth = 1024;

void scale(float* values, int leading, const Part& part, float factor) {
    for (int i = 0; i < part.columns; ++i, values += leading) {
        std::transform(values, values + part.rows, values,
                       [factor](float value) { return factor == 0 ? 0 : factor * value; });
    }
}

struct Scratch {
    std::vector<float> a;
    std::vector<float> b;
    std::vector<float> c;
};

void compute_part(const Product& product, const StoredMatrix& a, const StoredMatrix& b, const StoredMatrix& c,
                  const Part& part, Scratch& scratch) {
    int leading = 0;
    float* values = c.open(part, scratch.c, leading);
    scale(values, leading, part, product.beta);
    for (int done = 0; product.multiplies() && done < product.k; done += tile_depth) {
        const int depth = std::min(tile_depth, product.k - done);
        const Floats left = a.floats({part.row, done, part.rows, depth}, scratch.a);
        const Floats right = b.floats({done, part.column, depth, part.columns}, scratch.b);
        sgemm(part.rows, part.columns, depth, product.alpha, left, right, values, leading);
    }
    c.close(part, scratch.c);
}

/// One product of a batch; false when it stopped.
bool compute_one(const Product& product, int index, Scratch& scratch) {
    StoredMatrix a(product, 'A', product.a, product.m, product.k, index);
    StoredMatrix b(product, 'B', product.b, product.k, product.n, index);
    StoredMatrix c(product, 'C', product.c, product.m, product.n, index);
    if (product.multiplies() && (!a.reach() || !b.reach())) return false;
    if (!c.reach()) return false;
    if (product.multiplies()) {
        a.declare_read();
        b.declare_read();
    }
    if (product.beta != 0) c.declare_read();
    for (int column = 0; column < product.n; column += tile_columns) {
        for (int row = 0; row < product.m; row += tile_rows) {
            const int rows = std::min(tile_rows, product.m - row);
            const int columns = std::min(tile_columns, product.n - column);
            compute_part(product, a, b, c, {row, column, rows, columns}, scratch);
        }
    }
    c.declare_written();
    return true;
}

bool is_known(Type type) { return type == Type::f32 || type == Type::f16 || type == Type::bf16; }

bool is_aligned(const Matrix& matrix) {
    return reinterpret_cast<std::uintptr_t>(matrix.data) % static_cast<std::uintptr_t>(bytes_of(matrix.type)) == 0;
}

}  // namespace

Status check(const Product& product) {
    const Matrix& a = product.a;
    const Matrix& b = product.b;
    const Matrix& c = product.c;
    if (product.m < 0 || product.n < 0 || product.k < 0 || product.batch < 0) return invalid_value;
    if (a.leading < std::max(1, a.transposed ? product.k : product.m)) return invalid_value;
    if (b.leading < std::max(1, b.transposed ? product.n : product.k)) return invalid_value;
    if (c.leading < std::max(1, product.m)) return invalid_value;
    if (!is_known(a.type) || a.type != b.type) return not_supported;
    if (c.type != Type::f32 && c.type != a.type) return not_supported;
    if (!is_aligned(a) || !is_aligned(b) || !is_aligned(c)) return execution_failed;
    return success;
}

void compute(const Product& product) {
    Scratch scratch;
    if (product.m == 0 || product.n == 0) return;
    for (int index = 0; index < product.batch; ++index) {
        if (!compute_one(product, index, scratch)) return;
    }
}

}  // namespace cublas
