#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>

#include <gpushard/printable_text.hpp>

#include "index/foreign_file.hpp"
#include "index/little_endian.hpp"

/// Files that are known by bytes at a fixed place.
namespace gpushard {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view data = "these are data, not an index: build one from them with Faiss";
constexpr std::string_view model = "this is a model, not an index";
constexpr std::string_view other_index = "only the library that wrote it reads it: build a Faiss index of the vectors";
constexpr std::string_view database = "a database is no Faiss index: build one of the vectors in it";
constexpr std::string_view document = "";  // its name says it all
constexpr std::string_view part_of_faiss = "it is a part of an index: name the file that faiss.write_index wrote";

struct Signature {
    Bytes offset;
    std::string_view bytes;
    std::string_view kind;
    std::string_view what;
    std::string_view hint;          ///< empty: `command` says it
    std::string_view command = "";  ///< to unpack it: "gzip -dc", whose output goes to a file, or "tar -xf"
    std::string_view ending = "";   ///< of its name: ".gz"
};

constexpr Signature signatures[] = {
    // Compressed files.
    {0, "\x1f\x8b"sv, "gzip", "a gzip file", "", "gzip -dc", ".gz"},
    {0,
     "\xfd"
     "7zXZ\0"sv,
     "xz", "an xz file", "", "xz -dc", ".xz"},
    {0, "\x28\xb5\x2f\xfd"sv, "zstd", "a Zstandard file", "", "zstd -dc", ".zst"},
    {0, "\x04\x22\x4d\x18"sv, "lz4", "an LZ4 file", "", "lz4 -dc", ".lz4"},
    {0, "\x02\x21\x4c\x18"sv, "lz4", "an LZ4 file", "", "lz4 -dc", ".lz4"},
    {0, "\x5d\0\0"sv, "lzma", "an LZMA file", "", "xz --format=lzma -dc", ".lzma"},
    {0, "LZIP"sv, "lzip", "an lzip file", "", "lzip -dc", ".lz"},
    {0, "\x1f\x9d"sv, "compress", "a file of compress", "", "gzip -dc", ".Z"},
    {0, "\xff\x06\0\0sNaPpY"sv, "snappy", "a Snappy file", "", "snzip -dc", ".sz"},
    // Archives.
    {257, "ustar"sv, "tar", "a tar archive", "", "tar -xf"},
    {0, "7z\xbc\xaf\x27\x1c"sv, "7z", "a 7-Zip archive", "", "7z x"},
    {0, "Rar!\x1a\x07"sv, "rar", "a RAR archive", "", "unrar x"},
    {0, "!<arch>\n"sv, "ar", "an ar archive", "", "ar x"},
    {0, "070701"sv, "cpio", "a cpio archive", "", "cpio -idF"},
    {0, "MSCF"sv, "cab", "a cabinet archive", "", "cabextract"},
    {0, "hsqs"sv, "squashfs", "a SquashFS image", "", "unsquashfs"},
    {32769, "CD001"sv, "iso", "an ISO image", "", "7z x"},
    // Arrays and tables.
    {0, "\x89HDF\r\n\x1a\n"sv, "hdf5", "an HDF5 file (ann-benchmarks keeps its data in such)", data},
    {0, "PAR1"sv, "parquet", "a Parquet table", data},
    {0, "ARROW1\0\0"sv, "arrow", "an Arrow file", data},
    {0, "\xff\xff\xff\xff"sv, "arrow_stream", "an Arrow stream", data},
    {0, "FEA1"sv, "feather", "a Feather table", data},
    {0, "ORC"sv, "orc", "an ORC table", data},
    {0, "Obj\x01"sv, "avro", "an Avro file", data},
    {0, "MATLAB 5.0 MAT-file"sv, "matlab", "a MATLAB file", data},
    {0, "\xbc\xfa\xff\0"sv, "milvus_binlog", "a binlog of Milvus", database},
    // Models.
    {0, "GGUF"sv, "gguf", "a GGUF model", model},
    {0, "tjgg"sv, "ggml", "a GGML model", model},
    {0, "lmgg"sv, "ggml", "a GGML model", model},
    {4, "TFL3"sv, "tflite", "a TensorFlow Lite model", model},
    // Databases.
    {0, "SQLite format 3\0"sv, "sqlite", "an SQLite database", database},
    {8, "DUCK"sv, "duckdb", "a DuckDB database", database},
    {16, "\xde\xc0\xef\xbe"sv, "lmdb", "an LMDB database", database},
    {0, "\x3f\xd7\x6c\x17"sv, "lucene", "a file of Lucene", database},
    // Other libraries' indexes.
    {0, "usearch"sv, "usearch", "a USearch index", other_index},
    // Parts of Faiss.
    {0, "rrot"sv, "faiss_part", "a VectorTransform of Faiss (RandomRotationMatrix)", part_of_faiss},
    {0, "PcAm"sv, "faiss_part", "a VectorTransform of Faiss (PCAMatrix)", part_of_faiss},
    {0, "Pcam"sv, "faiss_part", "a VectorTransform of Faiss (PCAMatrix)", part_of_faiss},
    {0, "PCAm"sv, "faiss_part", "a VectorTransform of Faiss (PCAMatrix)", part_of_faiss},
    {0, "Viqm"sv, "faiss_part", "a VectorTransform of Faiss (ITQMatrix)", part_of_faiss},
    {0, "Viqt"sv, "faiss_part", "a VectorTransform of Faiss (ITQTransform)", part_of_faiss},
    {0, "LTra"sv, "faiss_part", "a VectorTransform of Faiss (LinearTransform, as of OPQ)", part_of_faiss},
    {0, "RmDT"sv, "faiss_part", "a VectorTransform of Faiss (RemapDimensionsTransform)", part_of_faiss},
    {0, "VNrm"sv, "faiss_part", "a VectorTransform of Faiss (NormalizationTransform)", part_of_faiss},
    {0, "VCnt"sv, "faiss_part", "a VectorTransform of Faiss (CenteringTransform)", part_of_faiss},
    {0, "ilar"sv, "faiss_part", "inverted lists of Faiss", part_of_faiss},
    {0, "il00"sv, "faiss_part", "inverted lists of Faiss, of which there are none", part_of_faiss},
    {0, "ilod"sv, "faiss_part", "inverted lists of Faiss (OnDiskInvertedLists)", part_of_faiss},
    {0, "ilbl"sv, "faiss_part", "inverted lists of Faiss (BlockInvertedLists)", part_of_faiss},
    // Whatever a path or a download may have led to.
    {0, "%PDF-"sv, "pdf", "a PDF document", document},
    {0, "\x89PNG\r\n\x1a\n"sv, "image", "a PNG image", document},
    {0, "\xff\xd8\xff"sv, "image", "a JPEG image", document},
    {0, "GIF8"sv, "image", "a GIF image", document},
    {8, "WEBP"sv, "image", "a WebP image", document},
    {0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, "office", "an Office document", document},
    {0,
     "\x7f"
     "ELF"sv,
     "elf", "an ELF program or library", document},
    {0, "\xca\xfe\xba\xbe"sv, "program", "a Java class or a program of macOS", document},
    {0, "\xcf\xfa\xed\xfe"sv, "program", "a program of macOS", document},
    {0, "MZ\x90\0"sv, "program", "a program of Windows", document},
    {0, "\0asm"sv, "program", "a WebAssembly module", document},
};

bool has_at(const FileGlimpse& file, Bytes offset, std::string_view bytes) {
    if (offset + bytes.size() <= file.head.size()) return file.head.compare(offset, bytes.size(), bytes) == 0;
    return file.read(offset, bytes.size()) == bytes;
}

std::vector<std::string> ways_to_unpack(const FileGlimpse& file, std::string_view command, std::string_view ending) {
    const std::string path = shell_quoted(file.name);
    if (ending.empty()) return {"unpack it: " + std::string(command) + " " + path};
    if (file.name.ends_with(".tgz") || file.name.find(".tar.") != std::string::npos) {
        return {"unpack it: tar -xf " + path};
    }
    return {"unpack it: " + std::string(command) + " " + path + " > " + shell_quoted(output_name(file.name, ending))};
}

/// What it is, where that says something, and the folder that may have the index.
std::vector<std::string> ways_on(const FileGlimpse& file, std::string_view hint) {
    std::vector<std::string> ways;
    if (!hint.empty()) ways.emplace_back(hint);
    ways.push_back(look_beside(file.name));
    return ways;
}

std::optional<ForeignFile> by_table(const FileGlimpse& file) {
    for (const Signature& signature : signatures) {
        if (!has_at(file, signature.offset, signature.bytes)) continue;
        ForeignFile found{std::string(signature.kind), std::string(signature.what), {}};
        if (!signature.command.empty()) {
            found.hints = ways_to_unpack(file, signature.command, signature.ending);
        } else {
            found.hints = ways_on(file, signature.hint);
        }
        return found;
    }
    return std::nullopt;
}

/// "BZh9" and the digits of pi that begin a block.
std::optional<ForeignFile> bzip2(const FileGlimpse& file) {
    if (!file.head.starts_with("BZh") || !has_at(file, 4, "1AY&SY")) return std::nullopt;
    return ForeignFile{"bzip2", "a bzip2 file", ways_to_unpack(file, "bzip2 -dc", ".bz2")};
}

/// The name of the first file in a ZIP archive tells what the archive is.
std::optional<ForeignFile> zip(const FileGlimpse& file) {
    if (file.head.starts_with("PK\x05\x06")) return ForeignFile{"zip", "an empty ZIP archive", ways_on(file, document)};
    if (!file.head.starts_with("PK\x03\x04") || file.head.size() < 30) return std::nullopt;
    const std::string entry = file.head.substr(30, little_endian<std::uint16_t>(file.head, 26));
    const std::string path = shell_quoted(file.name);
    if (entry.ends_with("data.pkl") || entry.ends_with(".data/serialization_id") || entry.ends_with("/byteorder")) {
        return ForeignFile{"pytorch", "a file of torch.save", ways_on(file, model)};
    }
    if (entry.ends_with(".npy")) {
        return ForeignFile{"numpy_archive", "an archive of NumPy arrays (.npz)", ways_on(file, data)};
    }
    if (entry == "[Content_Types].xml" || entry == "mimetype") {
        return ForeignFile{"office", "an Office document", ways_on(file, document)};
    }
    return ForeignFile{"zip", "a ZIP archive", {"unpack it: unzip " + path}};
}

bool is_text_pickle(const FileGlimpse& file) {
    static constexpr std::array beginnings = {"(lp0\n"sv,          "(dp0\n"sv,      "(ip0\n"sv, "c__builtin__\n"sv,
                                              "ccopy_reg\n"sv,     "cnumpy"sv,      "(tp0\n"sv, "(ccopy_reg\n"sv,
                                              "(c__builtin__\n"sv, "(clangchain"sv, "]q\0"sv,   "}q\0"sv,
                                              "(]q\0"sv,           "(}q\0"sv,       "]q\x01"sv, "}q\x01"sv};
    const bool ends = file.tail.ends_with(".") || file.tail.ends_with(".\n");
    return ends && std::any_of(beginnings.begin(), beginnings.end(),
                               [&](std::string_view beginning) { return file.head.starts_with(beginning); });
}

/// LangChain writes index.faiss and index.pkl, and other programs do as it does.
std::optional<std::string> index_beside(const std::string& pickle) {
    for (const char* ending : {".faiss", ".index"}) {
        std::filesystem::path beside = pickle;
        beside.replace_extension(ending);
        std::error_code unknown;
        if (std::filesystem::is_regular_file(beside, unknown)) return beside.string();
    }
    return std::nullopt;
}

std::optional<ForeignFile> pickle(const FileGlimpse& file) {
    const bool binary = file.head.size() > 2 && file.head[0] == '\x80' && file.head[1] >= 2 && file.head[1] <= 5;
    if (!binary && !is_text_pickle(file)) return std::nullopt;
    const auto has = [&](std::string_view word) { return file.head.find(word) != std::string::npos; };
    if (has("\x8a\x0al\xfc\x9c"sv)) return ForeignFile{"pytorch", "a file of torch.save", ways_on(file, model)};
    ForeignFile found{"pickle", "a pickle of Python", {}};
    if (const auto index = index_beside(file.name)) {
        found.what += has("langchain") || file.name.ends_with("index.pkl")
                          ? ", the texts and ids that LangChain keeps beside an index"
                          : "";
        found.hints.push_back("the index lies beside it: gpushard inspect " + shell_quoted(*index));
        return found;
    }
    if (has("swigfaiss")) {
        found.what += " of a Faiss index";
        found.hints.emplace_back(
            "if you trust it, write the index out (Python): faiss.write_index(pickle.load(open(...)), ...)");
    } else if (has("langchain")) {
        found.what += ", the texts and ids that LangChain keeps beside an index";
        found.hints.emplace_back("the index is index.faiss, which should lie beside it");
    } else {
        found.hints.push_back(look_beside(file.name));
        found.hints.emplace_back("read a pickle only if you trust it: it runs code");
    }
    return found;
}

/// A length of 8 bytes, and JSON of that length.
std::optional<ForeignFile> safetensors(const FileGlimpse& file) {
    if (file.head.size() < 10 || file.head.compare(8, 2, "{\"") != 0) return std::nullopt;
    const auto length = little_endian<std::uint64_t>(file.head, 0);
    if (length < 2 || length > file.size - 8) return std::nullopt;
    return ForeignFile{"safetensors", "a safetensors model", ways_on(file, model)};
}

/// Protocol buffers have no signature; a model of ONNX begins with its version and names who made it.
std::optional<ForeignFile> onnx(const FileGlimpse& file) {
    const bool begins = file.head.size() > 4 && file.head[0] == '\x08' && file.head[1] > 0 && file.head[1] < 16 &&
                        file.head[2] == '\x12';
    const std::string front = file.head.substr(0, 64);
    const auto names = [&](const char* word) { return front.find(word) != std::string::npos; };
    if (!begins || (!names("pytorch") && !names("onnx") && !names("tf2") && !names("skl"))) return std::nullopt;
    return ForeignFile{"onnx", "an ONNX model", ways_on(file, model)};
}

std::optional<ForeignFile> lance(const FileGlimpse& file) {
    if (!file.tail.ends_with("LANC")) return std::nullopt;
    return ForeignFile{"lance", "a file of LanceDB", ways_on(file, database)};
}

}  // namespace

std::optional<ForeignFile> recognise_by_signature(const FileGlimpse& file) {
    for (const auto recognise : {by_table, bzip2, zip, pickle, safetensors, onnx, lance}) {
        if (auto found = recognise(file)) return found;
    }
    return std::nullopt;
}

}  // namespace gpushard
