#include "index/flat_index.hpp"

#include <limits>
#include <vector>

#include "index/index_header.hpp"

namespace gpushard {
namespace {

/// Bytes of the vectors; refuses a count whose vectors could not be in any file.
Bytes checked_payload_bytes(const IndexCursor& cursor, const IndexHeader& header) {
    const Bytes row_bytes = static_cast<Bytes>(header.dim.value) * sizeof(float);
    const Bytes most_rows = static_cast<Bytes>(std::numeric_limits<std::int64_t>::max()) / row_bytes;
    const auto rows = static_cast<Bytes>(header.count.value);
    if (rows > most_rows) {
        throw cursor.refuse(header.count, "at most " + std::to_string(most_rows) + " vectors of dimension " +
                                              std::to_string(header.dim.value));
    }
    return rows * row_bytes;
}

void check_payload_is_the_rest(const IndexCursor& cursor, Bytes payload_bytes) {
    const Bytes left = cursor.bytes_left();
    if (left == payload_bytes) return;
    const Bytes size = cursor.source().size();
    const std::string vectors =
        std::to_string(payload_bytes) + " bytes of vectors at offset " + std::to_string(cursor.offset());
    const std::string what =
        left < payload_bytes
            ? "is truncated: its header announces " + vectors + ", " + std::to_string(left) + " are there"
            : "has " + std::to_string(left - payload_bytes) + " bytes too many after the " + vectors;
    const std::vector<ErrorField> fields = {{"file", cursor.file()},
                                            {"offset", static_cast<std::int64_t>(cursor.offset())},
                                            {"size", static_cast<std::int64_t>(size)},
                                            {"expected", static_cast<std::int64_t>(cursor.offset() + payload_bytes)}};
    if (left < payload_bytes) throw TruncatedFile(cursor.file() + ": " + what, {}, fields);
    throw BadFile(cursor.file() + ": " + what, {}, fields);
}

}  // namespace

void read_flat_index(IndexCursor& cursor, IndexProfile& profile) {
    const IndexHeader header = read_index_header(cursor);
    const Bytes payload_bytes = checked_payload_bytes(cursor, header);
    const auto element_count = cursor.read<std::uint64_t>("element count");
    if (element_count.value != payload_bytes / sizeof(float)) {
        throw cursor.refuse(element_count, std::to_string(payload_bytes / sizeof(float)) + " (" +
                                               std::to_string(header.count.value) + " vectors of dimension " +
                                               std::to_string(header.dim.value) + ")");
    }
    check_payload_is_the_rest(cursor, payload_bytes);

    profile.type = IndexType::flat;
    profile.dim = header.dim.value;
    profile.count = header.count.value;
    // Faiss writes metric 0 under IxFI, 1 under IxF2 and the others under IxFl, but goes by this field when it reads.
    profile.metric = header.metric;
    profile.metric_arg = header.metric_arg;
    profile.stored = Precision::f32;
    profile.payload_offset = cursor.offset();
    profile.payload_bytes = payload_bytes;
}

}  // namespace gpushard
