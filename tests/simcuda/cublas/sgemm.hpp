#pragma once

namespace cublas {

/// Float32 in the order of columns, `leading` apart.
struct Floats {
    const float* data;
    int leading;
    bool transposed;
};

/// C += alpha op(A) op(B), with op(A) m x k, op(B) k x n and none of the three 0.
void sgemm(int m, int n, int k, float alpha, const Floats& a, const Floats& b, float* c, int c_leading);

}  // namespace cublas
