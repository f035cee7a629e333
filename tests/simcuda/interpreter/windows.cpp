#include <sys/mman.h>

#include "interpreter/code.hpp"

namespace simcuda::interpreter {

const Windows& Windows::instance() {
    static const Windows windows = [] {
        const auto reserve = [] {
            return reinterpret_cast<std::uintptr_t>(
                mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
        };
        return Windows{reserve(), reserve()};
    }();
    return windows;
}

}  // namespace simcuda::interpreter
