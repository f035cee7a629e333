#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "interpreter/program.hpp"
#include "ptx/module.hpp"

namespace simcuda {

/// The PTX of one image, and the programs of those of its kernels that were asked for. Thread-safe.
class PtxCode {
public:
    /// Copies the text, since work may outlive the library it came with. Throws ptx::BadPtx.
    explicit PtxCode(std::string_view text);
    PtxCode(const PtxCode&) = delete;
    PtxCode& operator=(const PtxCode&) = delete;

    const std::vector<ptx::Variable>& variables() const { return module_.variables(); }
    /// Null where there is no such kernel; throws ptx::BadPtx. Lives as long as the code.
    const interpreter::Program* program(const std::string& kernel);

private:
    std::string text_;
    ptx::Module module_;
    std::mutex mutex_;
    std::unordered_map<std::string, std::unique_ptr<interpreter::Program>> programs_;
};

}  // namespace simcuda
