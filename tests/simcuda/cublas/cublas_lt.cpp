// Stands in the place of libcublasLt, so that programs which name it do not load the real one.
#include <cstddef>

extern "C" std::size_t cublasLtGetVersion() { return 0; }
