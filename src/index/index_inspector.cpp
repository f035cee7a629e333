#include <cctype>
#include <cstdio>
#include <string_view>

#include <gpushard/error.hpp>
#include <gpushard/index_inspector.hpp>

#include "index/flat_index.hpp"
#include "index/index_cursor.hpp"
#include "index/type_names.hpp"

namespace gpushard {
namespace {

/// How a type of index is read: by a function that continues after the type code.
struct TypeReader {
    std::string_view fourcc;
    void (*read)(IndexCursor&, IndexProfile&);
};

constexpr TypeReader type_readers[] = {
    {"IxFI", read_flat_index},
    {"IxF2", read_flat_index},
    {"IxFl", read_flat_index},
};

/// The type code as letters where it has them, and as the bytes that stand in the file.
std::string quoted_bytes(const std::string& fourcc) {
    std::string letters;
    std::string bytes = "0x";
    for (const char c : fourcc) {
        const auto byte = static_cast<unsigned char>(c);
        letters += std::isprint(byte) != 0 ? c : '.';
        char hex[3];
        std::snprintf(hex, sizeof hex, "%02x", byte);
        bytes += hex;
    }
    return "'" + letters + "' (" + bytes + ")";
}

std::string supported_types() {
    std::string list;
    for (const TypeReader& reader : type_readers) {
        if (!list.empty()) list += ", ";
        list += std::string(reader.fourcc) + " (" + std::string(class_name(reader.fourcc)) + ")";
    }
    return list;
}

BadFile unsupported(const IndexCursor& cursor, const IndexField<std::string>& fourcc) {
    const std::string name(class_name(fourcc.value));
    const std::string what = name.empty() ? "unknown type code " + quoted_bytes(fourcc.value) + ", not a Faiss index"
                                          : fourcc.value + " (" + name + ") is not supported by this version";
    return BadFile(cursor.file() + ": " + what + "; supported: " + supported_types(), {},
                   {{"file", cursor.file()},
                    {"offset", static_cast<std::int64_t>(fourcc.offset)},
                    {"field", fourcc.name},
                    {"value", name.empty() ? quoted_bytes(fourcc.value) : fourcc.value},
                    {"expected", supported_types()}});
}

}  // namespace

IndexProfile inspect_index(const ByteSource& source) {
    IndexCursor cursor(source);
    const auto fourcc = cursor.read_fourcc("type code");
    for (const TypeReader& reader : type_readers) {
        if (reader.fourcc != fourcc.value) continue;
        IndexProfile profile;
        profile.files = source.files();
        profile.bytes = source.size();
        profile.fourcc = fourcc.value;
        reader.read(cursor, profile);
        return profile;
    }
    throw unsupported(cursor, fourcc);
}

IndexProfile inspect_index(const std::filesystem::path& path) { return inspect_index(*open_parts({path})); }

IndexProfile inspect_index(const std::vector<std::filesystem::path>& parts, PartOrder order) {
    return inspect_index(*open_parts(parts, order));
}

}  // namespace gpushard
