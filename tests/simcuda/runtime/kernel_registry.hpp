#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace simcuda {

/// The code of one kernel or more for one architecture, as it stands in a fat binary.
struct CodeImage {
    enum class Kind { ptx, machine_code };
    Kind kind = Kind::ptx;
    int compute_capability = 0;
    const void* payload = nullptr;
    std::size_t payload_bytes = 0;
};

struct Module {
    std::vector<CodeImage> images;
    /// What a card runs: the newest machine code for it, else the newest PTX; null when there is neither. PTX runs on
    /// its architecture and all later ones, machine code on later ones of the same major number.
    const CodeImage* image_for(int compute_capability) const;
};

struct Kernel {
    const Module* module = nullptr;
    std::string name;  ///< as in the PTX
};

/// What the constructors of the program's object files register. Thread-safe.
class KernelRegistry {
public:
    /// Never destroyed: programs register before main and take back after it.
    static KernelRegistry& instance();

    /// `wrapper` is what nvcc hands over: {magic, version, fat binary, ...}.
    Module* add_module(const void* wrapper);
    void remove_module(Module* module);
    void add_kernel(const Module* module, const void* host_function, const char* name);
    /// By the host function or by the handle that was found before; null when neither is known.
    const Kernel* find(const void* function_or_kernel);

private:
    std::mutex mutex_;
    std::unordered_map<const Module*, std::unique_ptr<Module>> modules_;
    std::unordered_map<const void*, std::unique_ptr<Kernel>> kernels_;  ///< by host function
    std::unordered_map<const void*, const Kernel*> handles_;
};

}  // namespace simcuda
