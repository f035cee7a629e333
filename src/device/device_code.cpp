#include "device/device_code.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <set>
#include <system_error>

namespace gpushard {
namespace {

constexpr std::uint32_t fat_binary_magic = 0xBA55ED50;
constexpr std::size_t fat_binary_header_size = 16;

/// Where the fields of an entry's header are, which precedes the entry's payload.
constexpr std::size_t entry_header_size_at = 4;
constexpr std::size_t entry_payload_size_at = 8;
constexpr std::size_t entry_architecture_at = 28;
constexpr std::size_t entry_flags_at = 40;
constexpr std::size_t least_entry_header_size = 48;

constexpr std::uint16_t ptx_kind = 1;
constexpr std::uint16_t elf_kind = 2;
constexpr std::uint64_t exact_flag = 0x100000;
constexpr std::uint64_t family_flag = 0x200000;

template <typename Number>
Number number_at(std::span<const std::byte> bytes, std::size_t offset) {
    Number number;
    std::memcpy(&number, bytes.data() + offset, sizeof number);
    return number;
}

std::optional<DeviceCode> read_entry(std::span<const std::byte> header) {
    const auto kind = number_at<std::uint16_t>(header, 0);
    const auto architecture = number_at<std::uint32_t>(header, entry_architecture_at);
    const auto flags = number_at<std::uint64_t>(header, entry_flags_at);
    if ((kind != ptx_kind && kind != elf_kind) || architecture < 10 || architecture > 9999) return std::nullopt;
    DeviceCode code;
    code.kind = kind == ptx_kind ? DeviceCode::Kind::ptx : DeviceCode::Kind::machine;
    code.architecture = {static_cast<int>(architecture / 10), static_cast<int>(architecture % 10)};
    if ((flags & exact_flag) != 0) {
        code.portability = DeviceCode::Portability::exact;
    } else if ((flags & family_flag) != 0) {
        code.portability = DeviceCode::Portability::family;
    }
    return code;
}

void read_entries(std::span<const std::byte> entries, std::set<DeviceCode>& codes) {
    while (entries.size() >= least_entry_header_size) {
        const auto header_size = number_at<std::uint32_t>(entries, entry_header_size_at);
        const auto payload_size = number_at<std::uint64_t>(entries, entry_payload_size_at);
        if (header_size < least_entry_header_size || header_size > entries.size()) return;
        if (payload_size > entries.size() - header_size) return;
        if (const auto code = read_entry(entries)) codes.insert(*code);
        entries = entries.subspan(header_size + static_cast<std::size_t>(payload_size));
    }
}

}  // namespace

std::optional<ComputeCapability> parse_compute_capability(std::string_view text) {
    ComputeCapability capability;
    const char* const end = text.data() + text.size();
    const auto [dot, bad_major] = std::from_chars(text.data(), end, capability.major);
    if (bad_major != std::errc{} || dot == end || *dot != '.') return std::nullopt;
    const auto [rest, bad_minor] = std::from_chars(dot + 1, end, capability.minor);
    if (bad_minor != std::errc{} || rest != end || capability < ComputeCapability{}) return std::nullopt;
    return capability;
}

bool DeviceCode::runs_on(ComputeCapability card) const {
    if (portability == Portability::exact) return card == architecture;
    const bool crosses_families = kind == Kind::ptx && portability == Portability::usual;
    return card >= architecture && (crosses_families || card.major == architecture.major);
}

std::string DeviceCode::name() const {
    const char* suffix = portability == Portability::exact ? "a" : portability == Portability::family ? "f" : "";
    return (kind == Kind::ptx ? "compute_" : "sm_") + std::to_string(architecture.major) +
           std::to_string(architecture.minor) + suffix;
}

std::vector<DeviceCode> read_fat_binaries(std::span<const std::byte> section) {
    std::set<DeviceCode> codes;
    while (section.size() >= fat_binary_header_size) {
        if (section.front() == std::byte{0}) {  // Between two fat binaries.
            section = section.subspan(1);
            continue;
        }
        const auto header_size = number_at<std::uint16_t>(section, 6);
        const auto size = number_at<std::uint64_t>(section, 8);
        if (number_at<std::uint32_t>(section, 0) != fat_binary_magic || header_size < fat_binary_header_size ||
            header_size > section.size() || size > section.size() - header_size) {
            break;
        }
        read_entries(section.subspan(header_size, static_cast<std::size_t>(size)), codes);
        section = section.subspan(header_size + static_cast<std::size_t>(size));
    }
    return {codes.begin(), codes.end()};
}

bool any_runs_on(const std::vector<DeviceCode>& codes, ComputeCapability card) {
    return std::any_of(codes.begin(), codes.end(), [&](const DeviceCode& code) { return code.runs_on(card); });
}

std::string list_names(const std::vector<DeviceCode>& codes) {
    std::string text;
    for (const DeviceCode& code : codes) text += (text.empty() ? "" : ", ") + code.name();
    return text;
}

}  // namespace gpushard
