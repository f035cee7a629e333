#include "cuda/own_device_code.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <fstream>
#include <limits>
#include <link.h>
#include <optional>
#include <string>

#include <faiss/gpu/GpuDistance.h>

namespace gpushard {
namespace {

/// A program or library as it lies in memory.
struct LoadedObject {
    std::string file;
    std::uintptr_t base = 0;
    const ElfW(Phdr) * segments = nullptr;
    std::size_t segment_count = 0;

    /// Whether the addresses [first, first + size) of the file are loaded.
    bool holds(std::uint64_t first, std::uint64_t size) const {
        for (std::size_t i = 0; i < segment_count; ++i) {
            const auto& segment = segments[i];
            if (segment.p_type != PT_LOAD || first < segment.p_vaddr || size > segment.p_filesz) continue;
            if (first - segment.p_vaddr <= segment.p_filesz - size) return true;
        }
        return false;
    }
};

struct Wanted {
    std::uintptr_t address;
    std::optional<LoadedObject> found;
};

int match_object(dl_phdr_info* info, std::size_t, void* data) {
    auto& wanted = *static_cast<Wanted*>(data);
    const std::string name = info->dlpi_name != nullptr ? info->dlpi_name : "";
    const LoadedObject object{name.empty() ? "/proc/self/exe" : name, info->dlpi_addr, info->dlpi_phdr,
                              info->dlpi_phnum};
    if (!object.holds(wanted.address - object.base, 1)) return 0;
    wanted.found = object;
    return 1;
}

template <typename Record>
bool read_at(std::ifstream& file, std::uint64_t offset, Record& record) {
    if (offset > static_cast<std::uint64_t>(std::numeric_limits<std::streamoff>::max())) return false;
    file.seekg(static_cast<std::streamoff>(offset));
    return static_cast<bool>(file.read(reinterpret_cast<char*>(&record), sizeof record));
}

/// The name of a section, from the table of names.
std::string section_name(std::ifstream& file, const ElfW(Shdr) & names, std::uint32_t at) {
    std::array<char, 16> name{};
    if (at > names.sh_size || !read_at(file, names.sh_offset + at, name)) return {};
    return std::string(name.data(), strnlen(name.data(), name.size()));
}

std::optional<ElfW(Shdr)> find_section(const std::string& path, const std::string& wanted) {
    std::ifstream file(path, std::ios::binary);
    ElfW(Ehdr) header{};
    if (!read_at(file, 0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_shentsize != sizeof(ElfW(Shdr))) {
        return std::nullopt;
    }
    const auto section_at = [&](std::size_t index, ElfW(Shdr) & section) {
        return read_at(file, header.e_shoff + index * sizeof section, section);
    };
    ElfW(Shdr) names{};
    if (header.e_shoff == 0 || !section_at(header.e_shstrndx, names)) return std::nullopt;
    for (std::size_t index = 0; index < header.e_shnum; ++index) {
        ElfW(Shdr) section{};
        if (!section_at(index, section)) return std::nullopt;
        if (section_name(file, names, section.sh_name) == wanted) return section;
    }
    return std::nullopt;
}

std::vector<DeviceCode> read_device_code() {
    Wanted wanted{reinterpret_cast<std::uintptr_t>(&faiss::gpu::bfKnn), std::nullopt};
    dl_iterate_phdr(match_object, &wanted);
    if (!wanted.found) return {};
    const auto section = find_section(wanted.found->file, ".nv_fatbin");
    // The file may have been replaced since it was loaded: what it says is believed only within what is loaded.
    if (!section || !wanted.found->holds(section->sh_addr, section->sh_size)) return {};
    // The dynamic linker gives addresses as integers.
    const auto* code = reinterpret_cast<const std::byte*>(  // NOLINT(performance-no-int-to-ptr)
        wanted.found->base + section->sh_addr);
    return read_fat_binaries({code, static_cast<std::size_t>(section->sh_size)});
}

}  // namespace

const std::vector<DeviceCode>& faiss_device_code() {
    static const std::vector<DeviceCode> code = read_device_code();
    return code;
}

}  // namespace gpushard
