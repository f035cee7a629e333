#include "runtime/ptx_code.hpp"

namespace simcuda {

PtxCode::PtxCode(std::string_view text) : text_(text.substr(0, text.find('\0'))), module_(text_) {}

const interpreter::Program* PtxCode::program(const std::string& kernel) {
    const std::lock_guard lock(mutex_);
    const auto known = programs_.find(kernel);
    if (known != programs_.end()) return known->second.get();
    const ptx::Kernel* const parsed = module_.kernel(kernel);
    if (parsed == nullptr) return nullptr;
    auto program = std::make_unique<interpreter::Program>(*parsed, module_.variables());
    return programs_.emplace(kernel, std::move(program)).first->second.get();
}

}  // namespace simcuda
