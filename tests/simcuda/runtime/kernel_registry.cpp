#include "runtime/kernel_registry.hpp"

#include <cstdint>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>
#include <utility>

namespace simcuda {
namespace {

constexpr std::uint32_t fat_binary_magic = 0xBA55ED50;

struct Wrapper {
    std::uint32_t magic;
    std::uint32_t version;
    const std::byte* fat_binary;
    void* file_name;
};

struct FatBinaryHeader {
    std::uint32_t magic;
    std::uint16_t version;
    std::uint16_t header_bytes;
    std::uint64_t payload_bytes;
};

struct EntryHeader {
    std::uint16_t kind;  ///< 1 PTX, 2 machine code
    std::uint16_t version;
    std::uint32_t header_bytes;
    std::uint64_t payload_bytes;
    std::uint32_t compressed_bytes;
    std::uint32_t options_offset;
    std::uint16_t minor_version;
    std::uint16_t major_version;
    std::uint32_t compute_capability;
};

template <typename Header>
Header read_header(const std::byte* data) {
    Header header;
    std::memcpy(&header, data, sizeof header);
    return header;
}

std::vector<CodeImage> read_images(const std::byte* fat_binary) {
    std::vector<CodeImage> images;
    const auto header = read_header<FatBinaryHeader>(fat_binary);
    if (header.magic != fat_binary_magic) return images;
    const std::byte* entry = fat_binary + header.header_bytes;
    const std::byte* const end = entry + header.payload_bytes;
    while (entry + sizeof(EntryHeader) <= end) {
        const auto fields = read_header<EntryHeader>(entry);
        if (fields.kind == 1 || fields.kind == 2) {
            images.push_back({.kind = fields.kind == 1 ? CodeImage::Kind::ptx : CodeImage::Kind::machine_code,
                              .compute_capability = static_cast<int>(fields.compute_capability),
                              .payload = entry + fields.header_bytes,
                              .payload_bytes = fields.payload_bytes});
        }
        entry += fields.header_bytes + fields.payload_bytes;
    }
    return images;
}

bool runs_on(const CodeImage& image, int compute_capability) {
    if (image.compute_capability > compute_capability) return false;
    return image.kind == CodeImage::Kind::ptx || image.compute_capability / 10 == compute_capability / 10;
}

std::pair<bool, int> rank(const CodeImage& image, CodeImage::Kind preferred) {
    return {image.kind == preferred, image.compute_capability};
}

}  // namespace

const CodeImage* Module::image_for(int compute_capability, CodeImage::Kind preferred) const {
    const CodeImage* best = nullptr;
    for (const CodeImage& image : images) {
        if (!runs_on(image, compute_capability)) continue;
        if (best == nullptr || rank(image, preferred) > rank(*best, preferred)) best = &image;
    }
    return best;
}

std::shared_ptr<PtxCode> Module::code_of(const CodeImage& image) const {
    if (image.kind != CodeImage::Kind::ptx || !ptx::is_text(image.payload, image.payload_bytes)) {
        throw UnreadableCode(
            "the program holds no readable PTX for this card; compile it with PTX (-gencode "
            "arch=compute_NN,code=compute_NN) "
            "and --no-compress");
    }
    const std::lock_guard lock(mutex_);
    auto& code = codes_[&image];
    if (code != nullptr) return code;
    try {
        code =
            std::make_shared<PtxCode>(std::string_view(static_cast<const char*>(image.payload), image.payload_bytes));
    } catch (const ptx::BadPtx& error) {
        throw UnreadableCode(error.what());
    }
    return code;
}

std::string Module::name() const {
    const std::string numbered = "module " + std::to_string(number);
    return file.empty() ? numbered : numbered + " of " + file;
}

KernelRegistry& KernelRegistry::instance() {
    static KernelRegistry& registry = *new KernelRegistry;
    return registry;
}

Module* KernelRegistry::add_module(const void* wrapper) {
    auto module = std::make_unique<Module>();
    module->images = read_images(static_cast<const Wrapper*>(wrapper)->fat_binary);
    if (Dl_info info{}; dladdr(wrapper, &info) != 0 && info.dli_fname != nullptr) {
        module->file = std::filesystem::path(info.dli_fname).filename().string();
    }
    Module* const handle = module.get();
    const std::lock_guard lock(mutex_);
    module->number = ++modules_so_far_;
    modules_.emplace(handle, std::move(module));
    return handle;
}

void KernelRegistry::remove_module(Module* module) {
    const std::lock_guard lock(mutex_);
    std::erase_if(handles_, [module](const auto& entry) { return entry.second->module == module; });
    std::erase_if(variables_, [module](const auto& entry) { return entry.second.module == module; });
    std::erase_if(kernels_, [module](const auto& entry) { return entry.second->module == module; });
    modules_.erase(module);
}

void KernelRegistry::add_kernel(const Module* module, const void* host_function, const char* name) {
    const std::lock_guard lock(mutex_);
    // A kernel of a template is registered by every object file that has it, under one host function.
    const auto [registered, first] = kernels_.try_emplace(host_function, nullptr);
    if (!first) return;
    registered->second = std::make_unique<Kernel>(Kernel{module, name});
    handles_[registered->second.get()] = registered->second.get();
}

void KernelRegistry::add_variable(const Module* module, const void* host_variable, const char* name,
                                  std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    variables_.try_emplace(host_variable, RegisteredVariable{module, name, bytes});
}

std::optional<RegisteredVariable> KernelRegistry::find_variable(const void* host_variable) {
    const std::lock_guard lock(mutex_);
    const auto found = variables_.find(host_variable);
    if (found == variables_.end()) return std::nullopt;
    return found->second;
}

const Kernel* KernelRegistry::find(const void* function_or_kernel) {
    const std::lock_guard lock(mutex_);
    const auto kernel = kernels_.find(function_or_kernel);
    if (kernel != kernels_.end()) return kernel->second.get();
    const auto handle = handles_.find(function_or_kernel);
    return handle == handles_.end() ? nullptr : handle->second;
}

}  // namespace simcuda
