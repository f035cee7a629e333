// Products on the BLAS that the build found.
#include "cublas/sgemm.hpp"

extern "C" void sgemm_(const char* a_operation, const char* b_operation, const int* m, const int* n, const int* k,
                       const float* alpha, const float* a, const int* a_leading, const float* b, const int* b_leading,
                       const float* beta, float* c, const int* c_leading);

namespace cublas {

void sgemm(int m, int n, int k, float alpha, const Floats& a, const Floats& b, float* c, int c_leading) {
    const float beta = 1;
    sgemm_(a.transposed ? "T" : "N", b.transposed ? "T" : "N", &m, &n, &k, &alpha, a.data, &a.leading, b.data,
           &b.leading, &beta, c, &c_leading);
}

}  // namespace cublas
