#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ptx/kernel.hpp"

namespace simcuda::ptx {

/// The text of one PTX module: read once for its variables and for where its kernels are; a kernel is parsed when it is
/// first asked for. `text` must outlive it. Thread-safe after construction.
class Module {
public:
    /// Throws BadPtx.
    explicit Module(std::string_view text);

    const std::vector<Variable>& variables() const { return variables_; }
    std::vector<std::string> kernel_names() const;
    /// Null where the module has no such kernel; throws BadPtx. Lives as long as the module.
    const Kernel* kernel(const std::string& name);

private:
    struct Entry {
        std::string_view text;  ///< from `.entry` to the closing brace
        std::uint32_t line = 0;
        std::unique_ptr<Kernel> parsed;
    };

    std::vector<Variable> variables_;
    std::mutex mutex_;
    std::unordered_map<std::string, Entry> entries_;
};

/// True for plain text that begins as PTX does; false for what nvcc has compressed.
bool is_text(const void* payload, std::size_t bytes);

}  // namespace simcuda::ptx
