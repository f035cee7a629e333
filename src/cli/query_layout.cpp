#include "cli/query_layout.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <gpushard/error.hpp>
#include <gpushard/printable_text.hpp>

#include "cli/named_arrays.hpp"
#include "cli/npy_file.hpp"

namespace gpushard::cli {
namespace {

constexpr Bytes most_safetensors_header = 1_MiB;

BadFile bad_queries(const ByteSource& source, const std::string& problem, std::vector<std::string> hints = {}) {
    return BadFile(source.name() + ": " + problem, std::move(hints), {{"file", source.name()}});
}

/// What a format says of its values before anything is checked.
struct Shape {
    std::int64_t count = 0;
    std::int64_t dim = 0;
};

QueryLayout row_by_row(StoredElement element, Shape shape, Bytes offset, Bytes row_prefix = 0) {
    QueryLayout layout;
    layout.element = element;
    layout.count = shape.count;
    layout.dim = shape.dim;
    layout.offset = offset;
    layout.row_prefix = row_prefix;
    layout.column_stride = element.bytes();
    layout.row_stride = row_prefix + static_cast<Bytes>(shape.dim) * element.bytes();
    return layout;
}

QueryLayout column_by_column(StoredElement element, Shape shape, Bytes offset) {
    QueryLayout layout = row_by_row(element, shape, offset);
    if (shape.count == 1) return layout;  // the same bytes
    layout.row_stride = element.bytes();
    layout.column_stride = static_cast<Bytes>(shape.count) * element.bytes();
    return layout;
}

template <typename Value>
Value read_value(const ByteSource& source, Bytes offset) {
    Value value{};
    source.read(offset, &value, sizeof value);
    return value;
}

std::string text_of(const std::vector<std::int64_t>& shape) {
    std::string text;
    for (const std::int64_t axis : shape) text += (text.empty() ? "" : ", ") + std::to_string(axis);
    return "(" + text + ")";
}

/// Rows and columns of an array of any number of axes: one axis is one query, and axes of length 1 do not count.
Shape shape_of(const ByteSource& source, const std::vector<std::int64_t>& axes) {
    std::vector<std::int64_t> long_axes = axes;
    while (long_axes.size() > 2) {
        const auto single = std::find(long_axes.begin(), long_axes.end(), 1);
        if (single == long_axes.end()) break;
        long_axes.erase(single);
    }
    if (long_axes.size() == 1) return {.count = 1, .dim = long_axes[0]};
    if (long_axes.size() == 2) return {.count = long_axes[0], .dim = long_axes[1]};
    throw bad_queries(
        source, fmt::format("has the shape {}, {} dimensions, expected 2: queries x dim", text_of(axes), axes.size()));
}

QueryLayout npy_layout(const ByteSource& source) {
    const NpyHeader header = read_npy_header(source);
    const auto element = element_of_numpy(header.descr);
    if (!element) {
        throw bad_queries(source, "has values of type '" + header.descr + "', expected numbers such as float32 ('<f4')",
                          {"save them as float32: numpy.save(\"queries.npy\", array.astype(\"float32\"))"});
    }
    const Shape shape = shape_of(source, header.shape);
    return header.fortran_order ? column_by_column(*element, shape, header.data_offset)
                                : row_by_row(*element, shape, header.data_offset);
}

bool is_safetensors(const ByteSource& source) {
    if (source.size() < 10) return false;
    const auto length = read_value<std::uint64_t>(source, 0);
    return length >= 2 && length <= std::min<Bytes>(source.size() - 8, most_safetensors_header) &&
           read_value<char>(source, 8) == '{';
}

QueryLayout safetensors_layout(const ByteSource& source) {
    const auto length = read_value<std::uint64_t>(source, 0);
    std::string text(length, '\0');
    source.read(8, text.data(), text.size());
    const auto header = nlohmann::json::parse(text, nullptr, false);
    if (!header.is_object()) throw bad_queries(source, "has a malformed header, expected that of a safetensors file");
    std::vector<std::string> names;
    for (const auto& [name, tensor] : header.items()) {
        if (name != "__metadata__") names.push_back(name);
    }
    const std::string& name = names.at(choose_queries(source.name(), names));
    try {
        const auto& tensor = header.at(name);
        const auto dtype = tensor.at("dtype").get<std::string>();
        const auto type = element_of_safetensors(dtype);
        if (!type) throw bad_queries(source, name + " has values of type " + dtype + ", expected numbers such as F32");
        const Shape shape = shape_of(source, tensor.at("shape").get<std::vector<std::int64_t>>());
        return row_by_row({.type = *type}, shape,
                          checked_add(8 + length, tensor.at("data_offsets").at(0).get<std::uint64_t>()));
    } catch (const nlohmann::json::exception&) {
        throw bad_queries(source, name + " is malformed, expected dtype, shape and data_offsets");
    } catch (const std::overflow_error&) {
        throw bad_queries(source, name + " lies beyond the end of the file");
    }
}

/// `.fbin` and its kin: the number of rows and the dimension, 32 bits each, before the values.
QueryLayout counted_layout(const ByteSource& source, ElementType type) {
    if (source.size() < 8) throw bad_queries(source, "is shorter than the 8 bytes of an .fbin header");
    const auto count = read_value<std::uint32_t>(source, 0);
    const auto dim = read_value<std::uint32_t>(source, 4);
    return row_by_row({.type = type}, {.count = count, .dim = dim}, 8);
}

/// `.fvecs` and its kin: each row is preceded by its dimension.
QueryLayout prefixed_layout(const ByteSource& source, ElementType type) {
    constexpr Bytes prefix = sizeof(std::int32_t);
    if (source.size() < prefix) throw bad_queries(source, "is shorter than the 4 bytes of a dimension");
    const auto dim = read_value<std::int32_t>(source, 0);
    if (dim < 1) throw BadFile::field(source.name(), 0, "dimension", std::to_string(dim), "at least 1");
    const Bytes row = prefix + static_cast<Bytes>(dim) * StoredElement{.type = type}.bytes();
    const Bytes count = source.size() / row + (source.size() % row != 0);
    return row_by_row({.type = type}, {.count = static_cast<std::int64_t>(count), .dim = dim}, 0, prefix);
}

using ReadLayout = QueryLayout (*)(const ByteSource&, ElementType);

struct Container {
    std::string_view extension;
    ReadLayout read;
    ElementType type;
};

constexpr Container containers[] = {
    {".fbin", counted_layout, ElementType::f32},   {".f16bin", counted_layout, ElementType::f16},
    {".u8bin", counted_layout, ElementType::u8},   {".i8bin", counted_layout, ElementType::i8},
    {".fvecs", prefixed_layout, ElementType::f32}, {".bvecs", prefixed_layout, ElementType::u8},
};

/// Bytes of the whole source as its header has it. Throws std::overflow_error.
Bytes claimed_bytes(const QueryLayout& layout) {
    const Bytes row =
        checked_add(layout.row_prefix, checked_multiply(static_cast<Bytes>(layout.dim), layout.element.bytes()));
    return checked_add(layout.offset, checked_multiply(static_cast<Bytes>(layout.count), row));
}

/// Whether the first rows and the last say the same dimension: a few may do so by accident.
bool prefixes_agree(const ByteSource& source, const QueryLayout& layout) {
    constexpr std::int64_t looked_at = 16;
    for (std::int64_t i = 0; i < layout.count && layout.row_prefix > 0; ++i) {
        const std::int64_t row = i < looked_at ? i : layout.count - 1;
        const Bytes offset = layout.offset + static_cast<Bytes>(row) * layout.row_stride;
        if (read_value<std::int32_t>(source, offset) != layout.dim) return false;
        if (row == layout.count - 1) break;
    }
    return true;
}

/// The container whose header, read as its own, is that of an array of this size and dimension. A file without a
/// telling name says no more; where two fit, it does not say enough.
std::optional<QueryLayout> by_structure(const ByteSource& source, std::int32_t dim) {
    std::optional<QueryLayout> found;
    std::string_view extension;
    for (const Container& container : containers) {
        try {
            const QueryLayout layout = container.read(source, container.type);
            const bool fits = layout.dim == dim && layout.count > 0 && claimed_bytes(layout) == source.size();
            if (!fits || !prefixes_agree(source, layout)) continue;
            if (found) {
                throw InvalidArgument(fmt::format("{}: may be {} or {}, expected a name that says so", source.name(),
                                                  extension, container.extension));
            }
            found = layout;
            extension = container.extension;
        } catch (const BadFile&) {
            // Not this one.
        } catch (const std::overflow_error&) {
            // Nor this.
        }
    }
    return found;
}

/// A kind of file that holds arrays in a way this tool does not read, and how to convert it; {} is its name.
struct Foreign {
    std::string_view magic;
    std::string_view what;
    std::string_view conversion;
};

constexpr std::string_view list_conversion =
    "python3 -c 'import json, numpy, sys; numpy.save(\"queries.npy\", "
    "numpy.array(json.load(open(sys.argv[1])), \"float32\"))'";
constexpr std::string_view pickle_conversion =
    "python3 -c 'import numpy, pickle, sys; numpy.save(\"queries.npy\", "
    "numpy.asarray(pickle.load(open(sys.argv[1], \"rb\")), \"float32\"))'";

constexpr Foreign foreign_files[] = {
    {"\x89HDF\r\n\x1a\n", "an HDF5 file",
     "python3 -c 'import h5py, numpy, sys; numpy.save(\"queries.npy\", h5py.File(sys.argv[1])[\"test\"][:])'"},
    {"PAR1", "a Parquet file",
     "python3 -c 'import numpy, pandas, sys; numpy.save(\"queries.npy\", "
     "numpy.stack(pandas.read_parquet(sys.argv[1])[\"embedding\"]).astype(\"float32\"))'"},
    {"ARROW1", "an Arrow file",
     "python3 -c 'import numpy, pandas, sys; numpy.save(\"queries.npy\", "
     "numpy.stack(pandas.read_feather(sys.argv[1])[\"embedding\"]).astype(\"float32\"))'"},
    {"\x1f\x8b", "compressed with gzip", "gzip -dk"},
    {"\x28\xb5\x2f\xfd", "compressed with zstd", "zstd -dk"},
    {"BZh", "compressed with bzip2", "bzip2 -dk"},
    {"\xfd\x37zXZ", "compressed with xz", "xz -dk"},
    {"\x80\x02", "a pickle", pickle_conversion},
    {"\x80\x03", "a pickle", pickle_conversion},
    {"\x80\x04", "a pickle", pickle_conversion},
    {"\x80\x05", "a pickle", pickle_conversion},
    {"[", "JSON", list_conversion},
    {"{", "JSON", list_conversion},
};

std::string first_bytes(const ByteSource& source, std::size_t most) {
    std::string bytes(std::min<Bytes>(source.size(), most), '\0');
    source.read(0, bytes.data(), bytes.size());
    return bytes;
}

[[noreturn]] void refuse_unknown(const ByteSource& source, const QueryHints& hints) {
    const std::string begin = first_bytes(source, 8);
    for (const Foreign& foreign : foreign_files) {
        if (!begin.starts_with(foreign.magic)) continue;
        throw bad_queries(source, fmt::format("is {}, expected an array of queries", foreign.what),
                          {fmt::format("convert it: {} {}", foreign.conversion, shell_quoted(source.name()))});
    }
    const bool whole_rows = source.size() % (static_cast<Bytes>(hints.index_dim) * sizeof(float)) == 0;
    throw bad_queries(
        source, "is no query file, expected .npy, .npz, .safetensors, .fvecs, .bvecs, .fbin, .f16bin, .u8bin or .i8bin",
        whole_rows ? std::vector{fmt::format("--dim {}, where the file is bare float32", hints.index_dim)}
                   : std::vector<std::string>{});
}

QueryLayout raw_layout(const ByteSource& source, std::int32_t dim) {
    const Bytes row = static_cast<Bytes>(dim) * sizeof(float);
    const Bytes count = source.size() / row + (source.size() % row != 0);
    return row_by_row({.type = ElementType::f32}, {.count = static_cast<std::int64_t>(count), .dim = dim}, 0);
}

QueryLayout layout_of(const ByteSource& source, const QueryHints& hints) {
    if (is_npy(source) || is_safetensors(source)) {
        if (hints.raw_dim) {
            throw bad_queries(source, "says itself how its values are laid out, expected no --dim beside it");
        }
        return is_npy(source) ? npy_layout(source) : safetensors_layout(source);
    }
    if (hints.raw_dim) return raw_layout(source, *hints.raw_dim);
    for (const Container& container : containers) {
        if (container.extension == hints.extension) return container.read(source, container.type);
    }
    if (hints.extension == ".npy") throw bad_queries(source, "does not begin as a NumPy file does");
    if (const auto layout = by_structure(source, hints.index_dim)) return *layout;
    refuse_unknown(source, hints);
}

void check_shape(const ByteSource& source, const QueryLayout& layout, std::int32_t index_dim) {
    if (layout.count == 0) throw bad_queries(source, "has no queries");
    if (layout.dim == index_dim) return;
    throw bad_queries(source, fmt::format("has queries of dimension {}, the index has {}", layout.dim, index_dim));
}

/// Other tensors may follow in a safetensors file, so `exact` is false there.
void check_size(const ByteSource& source, const QueryLayout& layout, bool exact) {
    Bytes expected = 0;
    try {
        expected = claimed_bytes(layout);
    } catch (const std::overflow_error&) {
        throw bad_queries(source,
                          fmt::format("claims {} x {} values, more than any file has", layout.count, layout.dim));
    }
    if (exact ? source.size() == expected : source.size() >= expected) return;
    throw bad_queries(source, fmt::format("has {} bytes, expected {} for {} x {} values{}", source.size(), expected,
                                          layout.count, layout.dim, source.size() < expected ? ": truncated?" : ""));
}

}  // namespace

bool is_archive(const ByteSource& source) { return first_bytes(source, 4) == std::string_view("PK\x03\x04", 4); }

QueryLayout recognise_queries(std::shared_ptr<const ByteSource> source, const QueryHints& hints) {
    QueryLayout layout = layout_of(*source, hints);
    check_shape(*source, layout, hints.index_dim);
    check_size(*source, layout, !is_safetensors(*source));
    layout.source = std::move(source);
    return layout;
}

}  // namespace gpushard::cli
