#include "index/index_cursor.hpp"

namespace gpushard {

void IndexCursor::read_raw(const char* name, void* destination, std::size_t count) {
    if (count > bytes_left()) {
        throw TruncatedFile(file() + ": is truncated: it ends at byte " + std::to_string(source_.size()) + ", inside " +
                                name + " (" + std::to_string(count) + " bytes at offset " + std::to_string(offset_) +
                                ")",
                            {},
                            {{"file", file()},
                             {"offset", static_cast<std::int64_t>(offset_)},
                             {"field", name},
                             {"wanted_bytes", static_cast<std::int64_t>(count)},
                             {"size", static_cast<std::int64_t>(source_.size())}});
    }
    source_.read(offset_, destination, count);
    offset_ += count;
}

IndexField<std::string> IndexCursor::read_fourcc(const char* name) {
    IndexField<std::string> field{.name = name, .offset = offset_, .value = std::string(4, '\0')};
    read_raw(name, field.value.data(), field.value.size());
    return field;
}

}  // namespace gpushard
