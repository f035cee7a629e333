// The entry points that nvcc's generated constructors call.
#include <cstddef>

#include "runtime/kernel_registry.hpp"

using namespace simcuda;

struct dim3;
struct uint3;

extern "C" {

void** __cudaRegisterFatBinary(void* wrapper) {
    return reinterpret_cast<void**>(KernelRegistry::instance().add_module(wrapper));
}

void __cudaRegisterFatBinaryEnd(void**) {}

void __cudaUnregisterFatBinary(void** module) {
    KernelRegistry::instance().remove_module(reinterpret_cast<Module*>(module));
}

void __cudaRegisterFunction(void** module, const char* host_function, char*, const char* name, int, uint3*, uint3*,
                            dim3*, dim3*, int*) {
    KernelRegistry::instance().add_kernel(reinterpret_cast<const Module*>(module), host_function, name);
}

void __cudaRegisterVar(void** module, char* host_variable, char*, const char* name, int, std::size_t bytes, int, int) {
    KernelRegistry::instance().add_variable(reinterpret_cast<const Module*>(module), host_variable, name, bytes);
}

void __cudaRegisterManagedVar(void**, void**, char*, const char*, int, std::size_t, int, int) {}

char __cudaInitModule(void**) { return 0; }

}  // extern "C"
