#include <string>
#include <string_view>
#include <vector>

#include <gpushard/error.hpp>
#include <gpushard/index_inspector.hpp>

#include "index/flat_index.hpp"
#include "index/foreign_file.hpp"
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

std::string supported_types() {
    std::string list;
    for (const TypeReader& reader : type_readers) {
        if (!list.empty()) list += ", ";
        list += std::string(reader.fourcc) + " (" + std::string(class_name(reader.fourcc)) + ")";
    }
    return list;
}

/// A code that no version of Faiss has written: it is another file, or one that was damaged.
BadFile not_an_index(const IndexCursor& cursor, const IndexField<std::string>& fourcc) {
    const std::string code = as_faiss_prints(fourcc.value);
    std::vector<ErrorField> fields = {{"file", cursor.file()},
                                      {"offset", static_cast<std::int64_t>(fourcc.offset)},
                                      {"field", fourcc.name},
                                      {"value", code},
                                      {"expected", supported_types()}};
    if (auto foreign = recognise_foreign_file(cursor.source())) {
        fields.emplace_back("found", foreign->kind);
        return BadFile(cursor.file() + ": is " + foreign->what + ", not a Faiss index: " + code,
                       std::move(foreign->hints), std::move(fields));
    }
    return BadFile(
        cursor.file() + ": unknown type code, not a Faiss index: " + code + "; supported: " + supported_types(), {},
        std::move(fields));
}

BadFile unsupported(const IndexCursor& cursor, const IndexField<std::string>& fourcc) {
    const std::string name(class_name(fourcc.value));
    if (name.empty()) return not_an_index(cursor, fourcc);
    return BadFile(cursor.file() + ": " + fourcc.value + " (" + name +
                       ") is not supported by this version; supported: " + supported_types(),
                   {},
                   {{"file", cursor.file()},
                    {"offset", static_cast<std::int64_t>(fourcc.offset)},
                    {"field", fourcc.name},
                    {"value", fourcc.value},
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
