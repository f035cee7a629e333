#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

#include <gpushard/index_limits.hpp>
#include <gpushard/printable_text.hpp>

#include "index/foreign_file.hpp"
#include "index/little_endian.hpp"

/// Files without a signature whose numbers agree with their size: vectors, and the indexes of other libraries.
namespace gpushard {
namespace {

constexpr std::string_view data = "these are data, not an index: build one from them with Faiss";
constexpr std::string_view other_index = "only the library that wrote it reads it: build a Faiss index of the vectors";

bool is_dim(std::uint64_t dim) { return dim >= 1 && dim <= std::uint64_t{largest_dim}; }

std::string shape(std::uint64_t rows, std::uint64_t columns) {
    return std::to_string(rows) + " x " + std::to_string(columns);
}

std::string value_of(std::string_view header, std::string_view key) {
    const auto at = header.find("'" + std::string(key) + "': ");
    if (at == std::string_view::npos) return {};
    const auto begin = at + key.size() + 4;
    const bool is_tuple = begin < header.size() && header[begin] == '(';
    const auto end = header.find(is_tuple ? ')' : ',', begin);
    if (end == std::string_view::npos) return {};
    return std::string(header.substr(begin, end - begin + (is_tuple ? 1 : 0)));
}

std::string from_python(const std::string& program) { return "python3 -c " + shell_quoted(program); }

/// A NumPy array, of vectors or of a serialised index. cuVS and RAFT write their indexes as a row of such arrays, the
/// first a lone number or behind the name of a type.
std::optional<ForeignFile> numpy(const FileGlimpse& file) {
    constexpr std::string_view signature = "\x93NUMPY";
    const ForeignFile cuvs{"cuvs", "an index of cuVS or RAFT", {std::string(other_index)}};
    if (file.head.size() > 10 && file.head.compare(4, signature.size(), signature) == 0) return cuvs;
    if (!file.head.starts_with(signature)) return std::nullopt;
    const std::size_t length = little_endian<std::uint16_t>(file.head, 8);
    const std::string_view header = std::string_view(file.head).substr(0, 10 + length);
    const std::string type = value_of(header, "descr");
    const std::string dims = value_of(header, "shape");
    if (dims == "()" && file.size > 10 + length + 16) return cuvs;
    const std::string path = "'" + file.name + "'";
    const bool can_be_quoted = file.name.find('\'') == std::string::npos;
    if (type.find("u1") != std::string::npos && dims.ends_with(",)")) {
        ForeignFile found{
            "numpy_array", "a NumPy array " + dims + " of bytes, perhaps an index that was serialised", {}};
        found.hints.push_back("write it out: " +
                              from_python("import faiss, numpy; faiss.write_index(faiss.deserialize_index(numpy.load(" +
                                          path + ")), '" + output_name(file.name, ".npy") + "')"));
        return found;
    }
    ForeignFile found{
        "numpy_array", "a NumPy array" + (dims.empty() ? "" : " " + dims) + (type.empty() ? "" : " of " + type), {}};
    found.hints.emplace_back(data);
    if (can_be_quoted && dims.find(", ") != std::string::npos) {
        found.hints.push_back("for inner products: " +
                              from_python("import faiss, numpy; x = numpy.load(" + path +
                                          ").astype('float32'); i = faiss.IndexFlatIP(x.shape[1]); i.add(x); "
                                          "faiss.write_index(i, '" +
                                          output_name(file.name, ".npy") + ".index')"));
    }
    return found;
}

/// n, d, and n x d values: .fbin, .u8bin, .i8bin, .ibin.
std::optional<ForeignFile> bin_vectors(const FileGlimpse& file) {
    const std::uint64_t rows = little_endian<std::uint32_t>(file.head, 0);
    const std::uint64_t dim = little_endian<std::uint32_t>(file.head, 4);
    if (file.size < 9 || rows == 0 || !is_dim(dim)) return std::nullopt;
    for (const auto& [bytes, name] : {std::pair{4, "4 bytes a value (.fbin)"}, std::pair{2, "2 bytes a value"},
                                      std::pair{1, "1 byte a value (.u8bin, .i8bin)"}}) {
        if (file.size - 8 != rows * dim * static_cast<std::uint64_t>(bytes)) continue;
        return ForeignFile{"vectors", "a file of vectors, " + shape(rows, dim) + ", " + name, {std::string(data)}};
    }
    return std::nullopt;
}

/// Rows that each begin with their length: .fvecs, .ivecs, .bvecs.
std::optional<ForeignFile> vecs(const FileGlimpse& file) {
    const std::uint64_t dim = little_endian<std::uint32_t>(file.head, 0);
    if (!is_dim(dim)) return std::nullopt;
    for (const auto& [bytes, name] :
         {std::pair{std::uint64_t{4}, ".fvecs, .ivecs"}, std::pair{std::uint64_t{1}, ".bvecs"}}) {
        const std::uint64_t row = 4 + dim * bytes;
        const std::uint64_t rows = file.size / row;
        if (file.size % row != 0 || rows < 2) continue;
        const bool alike = little_endian<std::uint32_t>(file.read(row, 4), 0) == dim &&
                           little_endian<std::uint32_t>(file.read((rows - 1) * row, 4), 0) == dim;
        if (!alike) continue;
        return ForeignFile{
            "vectors", "a file of vectors, " + shape(rows, dim) + " (" + name + ")", {std::string(data)}};
    }
    return std::nullopt;
}

/// hnswlib's header: offsets that follow from each other, and the multiplier 1 / ln M.
std::optional<ForeignFile> hnswlib(const FileGlimpse& file) {
    const std::size_t begin =
        little_endian<std::uint32_t>(file.head, 0) == 1 ? 4 : 0;  // Chroma puts a version in front
    const auto number = [&](std::size_t i) { return little_endian<std::uint64_t>(file.head, begin + 8 * i); };
    constexpr std::size_t after_levels = 56;
    const auto capacity = number(1);
    const auto count = number(2);
    const auto row = number(3);
    const auto label = number(4);
    const auto vector = number(5);
    const auto most = little_endian<std::uint64_t>(file.head, begin + after_levels);
    const auto most_below = little_endian<std::uint64_t>(file.head, begin + after_levels + 8);
    const auto links = little_endian<std::uint64_t>(file.head, begin + after_levels + 16);
    const auto multiplier = little_endian<double>(file.head, begin + after_levels + 24);
    const bool agrees = number(0) == 0 && capacity >= count && capacity > 0 && row == label + 8 && vector < label &&
                        links >= 2 && links < 4096 && most == links && most_below == 2 * links;
    if (!agrees || std::abs(multiplier * std::log(static_cast<double>(links)) - 1) > 1e-3) return std::nullopt;
    return ForeignFile{"hnswlib",
                       "an index of hnswlib, " + shape(count, (label - vector) / 4) + " if its vectors are float32",
                       {std::string(other_index) + " (hnswlib's get_items returns them)"}};
}

/// USearch puts the matrix of vectors in front of its index.
std::optional<ForeignFile> usearch(const FileGlimpse& file) {
    const std::uint64_t rows = little_endian<std::uint32_t>(file.head, 0);
    const std::uint64_t row_bytes = little_endian<std::uint32_t>(file.head, 4);
    if (rows == 0 || row_bytes == 0) return std::nullopt;
    if (file.read(8 + rows * row_bytes, 7) != "usearch") return std::nullopt;
    return ForeignFile{
        "usearch", "a USearch index of " + std::to_string(rows) + " vectors", {std::string(other_index)}};
}

/// DiskANN's graph in memory: its own size, and a degree.
std::optional<ForeignFile> diskann(const FileGlimpse& file) {
    const auto size = little_endian<std::uint64_t>(file.head, 0);
    const auto degree = little_endian<std::uint32_t>(file.head, 8);
    if (file.size < 24 || size != file.size || degree == 0 || degree > 4096) return std::nullopt;
    return ForeignFile{"diskann", "a graph of DiskANN", {std::string(other_index)}};
}

/// d, M, bits, and d x 2^bits centroids.
std::optional<ForeignFile> product_quantizer(const FileGlimpse& file) {
    const auto dim = little_endian<std::uint64_t>(file.head, 0);
    const auto parts = little_endian<std::uint64_t>(file.head, 8);
    const auto bits = little_endian<std::uint64_t>(file.head, 16);
    const auto values = little_endian<std::uint64_t>(file.head, 24);
    if (!is_dim(dim) || parts == 0 || dim % parts != 0 || bits == 0 || bits > 16) return std::nullopt;
    if (values != dim << bits || file.size != 32 + 4 * values) return std::nullopt;
    return ForeignFile{"faiss_part",
                       "a ProductQuantizer of Faiss, PQ" + std::to_string(parts) + "x" + std::to_string(bits),
                       {"it is a part of an index: name the file that faiss.write_index wrote"}};
}

bool is_ordinary(float value) {
    return value == 0 || (std::isfinite(value) && std::abs(value) > 1e-12F && std::abs(value) < 1e6F);
}

bool ends_in_one_of(const std::string& name, std::initializer_list<std::string_view> endings) {
    return std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) { return name.ends_with(ending); });
}

/// Nothing marks raw float32 numbers but that they all are ordinary ones.
std::optional<ForeignFile> raw_floats(const FileGlimpse& file) {
    constexpr std::size_t enough = 64;
    if (file.size % sizeof(float) != 0 || file.head.size() < enough * sizeof(float)) return std::nullopt;
    std::size_t zeros = 0;
    const std::size_t values = file.head.size() / sizeof(float);
    for (std::size_t i = 0; i < values; ++i) {
        const auto value = little_endian<float>(file.head, i * sizeof(float));
        if (!is_ordinary(value)) return std::nullopt;
        zeros += value == 0 ? 1 : 0;
    }
    if (zeros > values / 2) return std::nullopt;
    return ForeignFile{"raw_floats",
                       "by its bytes raw float32 numbers, " + std::to_string(file.size / sizeof(float)) +
                           " of them (a guess), such as numpy.memmap and tofile write",
                       {std::string(data)},
                       true};
}

}  // namespace

std::optional<ForeignFile> recognise_vectors(const FileGlimpse& file) {
    for (const auto recognise : {numpy, hnswlib, usearch, product_quantizer, bin_vectors, vecs, diskann}) {
        if (auto found = recognise(file)) return found;
    }
    return std::nullopt;
}

std::optional<ForeignFile> guess_by_name(const FileGlimpse& file) {
    if (ends_in_one_of(file.name, {".aria2", ".crdownload", ".part", ".partial", ".incomplete", ".download", ".!ut"})) {
        return ForeignFile{"partial_download",
                           "by its name an unfinished download (a guess)",
                           {"let the download finish, which gives it its name"},
                           true};
    }
    if (ends_in_one_of(file.name, {".ann", ".annoy"})) {
        return ForeignFile{"annoy", "by its name an index of Annoy (a guess)", {std::string(other_index)}, true};
    }
    if (ends_in_one_of(file.name, {"data_level0.bin", "link_lists.bin", "length.bin"})) {
        return ForeignFile{
            "hnswlib", "by its name a part of an index of Chroma (a guess)", {std::string(other_index)}, true};
    }
    if (file.name.ends_with(".ivfdata")) {
        return ForeignFile{"faiss_part",
                           "by its name the lists of an index on disk of Faiss (a guess)",
                           {"name the index that goes with it: faiss.write_index wrote it, and it names this file"},
                           true};
    }
    return raw_floats(file);
}

}  // namespace gpushard
