#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/ptx_code.hpp"

namespace simcuda {

/// The code of one kernel or more for one architecture, as it stands in a fat binary.
struct CodeImage {
    enum class Kind { ptx, machine_code };
    Kind kind = Kind::ptx;
    int compute_capability = 0;
    const void* payload = nullptr;
    std::size_t payload_bytes = 0;
};

/// Why an image cannot be interpreted.
class UnreadableCode : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct Module {
    std::uint64_t number = 0;  ///< no two have the same, even one after the other
    std::string file;          ///< of the program or library that has it; empty where that is not known
    std::vector<CodeImage> images;

    /// For a report: PTX itself has no name of its module.
    std::string name() const;
    /// What a card runs: the newest of the preferred kind for it, else the newest of the other; null when there is
    /// neither. PTX runs on its architecture and all later ones, machine code on later ones of the same major number.
    const CodeImage* image_for(int compute_capability, CodeImage::Kind preferred) const;
    /// The PTX of one of the images, read once. Throws UnreadableCode.
    std::shared_ptr<PtxCode> code_of(const CodeImage& image) const;

private:
    mutable std::mutex mutex_;
    mutable std::unordered_map<const CodeImage*, std::shared_ptr<PtxCode>> codes_;
};

struct Kernel {
    const Module* module = nullptr;
    std::string name;  ///< as in the PTX
};

/// A variable of a module, as the host names it.
struct RegisteredVariable {
    const Module* module = nullptr;
    std::string name;  ///< as in the PTX
    std::uint64_t bytes = 0;
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
    void add_variable(const Module* module, const void* host_variable, const char* name, std::uint64_t bytes);
    std::optional<RegisteredVariable> find_variable(const void* host_variable);
    /// By the host function or by the handle that was found before; null when neither is known.
    const Kernel* find(const void* function_or_kernel);

private:
    std::mutex mutex_;
    std::unordered_map<const Module*, std::unique_ptr<Module>> modules_;
    std::unordered_map<const void*, std::unique_ptr<Kernel>> kernels_;  ///< by host function
    std::unordered_map<const void*, const Kernel*> handles_;
    std::unordered_map<const void*, RegisteredVariable> variables_;  ///< by host variable
    std::uint64_t modules_so_far_ = 0;
};

}  // namespace simcuda
