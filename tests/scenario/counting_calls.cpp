// Put in front of the libraries (LD_PRELOAD): says on standard error, when the process ends, how often BLAS and OpenMP
// were called.

#include <atomic>
#include <cstdio>
#include <dlfcn.h>

namespace {

std::atomic<int> blas_calls{0};
std::atomic<int> omp_calls{0};

struct Report {
    ~Report() { std::fprintf(stderr, "BLAS calls: %d, OpenMP regions: %d\n", blas_calls.load(), omp_calls.load()); }
} report;

}  // namespace

extern "C" int sgemm_(const char* a, const char* b, const int* m, const int* n, const int* k, const float* alpha,
                      const float* x, const int* ldx, const float* y, const int* ldy, const float* beta, float* z,
                      const int* ldz) {
    static const auto real = reinterpret_cast<decltype(&sgemm_)>(dlsym(RTLD_NEXT, "sgemm_"));
    ++blas_calls;
    return real(a, b, m, n, k, alpha, x, ldx, y, ldy, beta, z, ldz);
}

extern "C" void GOMP_parallel(void (*run)(void*), void* data, unsigned threads, unsigned flags) {
    static const auto real = reinterpret_cast<decltype(&GOMP_parallel)>(dlsym(RTLD_NEXT, "GOMP_parallel"));
    ++omp_calls;
    real(run, data, threads, flags);
}
