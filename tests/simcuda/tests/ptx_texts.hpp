#pragma once

#include <string>

#include "ptx/module.hpp"

namespace gpushard::test {

/// A module with the kernel "k" of that body, and the kernel of it.
class OneKernel {
public:
    explicit OneKernel(const std::string& body, const std::string& before = "", const std::string& header = "k()")
        : text_(".version 9.0\n.target sm_75\n.address_size 64\n" + before + ".visible .entry " + header + "{\n" +
                body + "\n}\n"),
          module_(text_),
          kernel_(module_.kernel("k")) {}
    OneKernel(const OneKernel&) = delete;
    OneKernel& operator=(const OneKernel&) = delete;

    const simcuda::ptx::Kernel* operator->() const { return kernel_; }
    const simcuda::ptx::Instruction& at(std::size_t index) const { return kernel_->instructions.at(index); }
    const simcuda::ptx::Operand& operand(std::size_t instruction, std::size_t index) const {
        return at(instruction).operands.at(index);
    }
    /// Of the register that an index means.
    const simcuda::ptx::Register& reg(std::int32_t index) const {
        return kernel_->registers.at(static_cast<std::size_t>(index));
    }
    const std::vector<simcuda::ptx::Variable>& variables() const { return module_.variables(); }

private:
    std::string text_;
    simcuda::ptx::Module module_;
    const simcuda::ptx::Kernel* kernel_;
};

/// What is said of a module, or of any of its kernels; "accepted" where all can be read.
inline std::string refusal(const std::string& text) {
    try {
        simcuda::ptx::Module module(text);
        for (const std::string& name : module.kernel_names()) module.kernel(name);
    } catch (const simcuda::ptx::BadPtx& error) {
        return error.what();
    }
    return "accepted";
}

/// Of a kernel with that body, which begins in line 2.
inline std::string body_refusal(const std::string& body) {
    return refusal(".entry k() {\n.reg .b32 %r<9>; .reg .pred %p<9>; " + body + "\n}");
}

}  // namespace gpushard::test
