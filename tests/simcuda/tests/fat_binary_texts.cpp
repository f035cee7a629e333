#include "fat_binary_texts.hpp"

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace gpushard::test {
namespace {

constexpr std::string_view magic = "\x50\xED\x55\xBA";
constexpr std::uint16_t kind_ptx = 1;

struct FatBinaryHeader {
    std::uint32_t magic;
    std::uint16_t version;
    std::uint16_t header_bytes;
    std::uint64_t payload_bytes;
};

struct EntryHeader {
    std::uint16_t kind;
    std::uint16_t version;
    std::uint32_t header_bytes;
    std::uint64_t payload_bytes;
};

template <typename Header>
bool read_header(std::string_view file, std::size_t offset, Header& header) {
    if (offset > file.size() || file.size() - offset < sizeof header) return false;
    std::memcpy(&header, file.data() + offset, sizeof header);
    return true;
}

}  // namespace

std::vector<std::string_view> ptx_payloads(std::string_view file) {
    std::vector<std::string_view> payloads;
    for (auto at = file.find(magic); at != std::string_view::npos; at = file.find(magic, at + magic.size())) {
        FatBinaryHeader header{};
        // What only looks like one is longer than the file.
        if (!read_header(file, at, header) || header.payload_bytes > file.size() - at) continue;
        std::size_t entry = at + header.header_bytes;
        const std::size_t end = entry + header.payload_bytes;
        EntryHeader fields{};
        while (entry < end && read_header(file, entry, fields) && fields.payload_bytes <= file.size() - entry &&
               fields.header_bytes >= sizeof fields) {
            if (fields.kind == kind_ptx) {
                payloads.push_back(file.substr(entry + fields.header_bytes, fields.payload_bytes));
            }
            entry += fields.header_bytes + fields.payload_bytes;
        }
    }
    return payloads;
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error(path + " cannot be read");
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace gpushard::test
