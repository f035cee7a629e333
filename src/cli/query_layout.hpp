#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <gpushard/byte_source.hpp>

#include "cli/element_type.hpp"

namespace gpushard::cli {

/// Where the elements of an array of queries stand: element (i, j) begins at
/// `offset + row_prefix + i * row_stride + j * column_stride` of `source`.
struct QueryLayout {
    std::shared_ptr<const ByteSource> source;
    StoredElement element;
    std::int64_t count = 0;
    std::int64_t dim = 0;
    Bytes offset = 0;
    Bytes row_prefix = 0;  ///< bytes before each row that repeat its dimension; 0 or 4
    Bytes row_stride = 0;
    Bytes column_stride = 0;

    /// A row is one run of bytes; otherwise a column is.
    bool rows_are_contiguous() const { return column_stride == element.bytes(); }
};

/// What is known of an array of queries beside its bytes.
struct QueryHints {
    std::string extension;                ///< ".npy"; empty for a pipe
    std::int32_t index_dim = 0;           ///< of the index that is searched
    std::optional<std::int32_t> raw_dim;  ///< the file is bare float32 in rows of so many
};

/// True for archives, .npz among them, whose array has to be unpacked first.
bool is_archive(const ByteSource& source);

/// Recognises by its first bytes (.npy, .safetensors), else by the extension (.fvecs, .bvecs, .fbin, .f16bin, .u8bin,
/// .i8bin), else by a header that fits the size of the source and the dimension of the index, how the queries in
/// `source` are laid out. Reads headers only; everything they claim is checked against the size of the source. Throws
/// BadFile: no array of queries, or one of another dimension than the index has, with what to do.
QueryLayout recognise_queries(std::shared_ptr<const ByteSource> source, const QueryHints& hints);

}  // namespace gpushard::cli
