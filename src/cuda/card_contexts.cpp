#include "cuda/card_contexts.hpp"

#include <dlfcn.h>
#include <mutex>
#include <set>

namespace gpushard {
namespace {

struct Noted {
    std::mutex mutex;
    std::set<int> ordinals;
};

Noted& noted() {
    static Noted contexts;
    return contexts;
}

/// Asks the driver where it is loaded already: a process without it has no context.
bool driver_has_context(int ordinal) {
    void* const driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
    if (driver == nullptr) return false;
    const auto get_device = reinterpret_cast<int (*)(int*, int)>(dlsym(driver, "cuDeviceGet"));
    const auto get_state = reinterpret_cast<int (*)(int, unsigned*, int*)>(dlsym(driver, "cuDevicePrimaryCtxGetState"));
    int device = 0;
    unsigned flags = 0;
    int active = 0;
    const bool told = get_device != nullptr && get_state != nullptr && get_device(&device, ordinal) == 0 &&
                      get_state(device, &flags, &active) == 0;
    dlclose(driver);
    return told && active != 0;
}

}  // namespace

void note_context(int ordinal) {
    const std::lock_guard lock(noted().mutex);
    noted().ordinals.insert(ordinal);
}

bool has_context(int ordinal) {
    {
        const std::lock_guard lock(noted().mutex);
        if (noted().ordinals.count(ordinal) > 0) return true;
    }
    return driver_has_context(ordinal);
}

}  // namespace gpushard
