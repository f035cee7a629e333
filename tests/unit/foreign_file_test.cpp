#include "index/foreign_file.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/error.hpp>
#include <gpushard/index_inspector.hpp>

#include "support/index_writer.hpp"
#include "support/shared_data.hpp"
#include "support/temp_dir.hpp"

/// Files that people hand over by mistake: each is named, with what to do about it.
namespace gpushard {
namespace {

using namespace std::string_literals;
using test::flat_index;
using test::TempDir;
using test::uniform_rows;
using test::write_file;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

template <typename Value>
std::string bytes_of(Value value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename... Values>
std::string packed(Values... values) {
    return (bytes_of(values) + ...);
}

/// `text` followed by bytes that are of no format.
std::string padded(const std::string& text, std::size_t size = 600) {
    std::string bytes = text;
    for (std::uint32_t state = 7; bytes.size() < size;) {
        state = state * 1664525 + 1013904223;
        bytes += static_cast<char>(state >> 24);
    }
    return bytes;
}

std::string npy(const std::string& header, std::size_t payload) {
    return "\x93NUMPY\x01\0"s + bytes_of(static_cast<std::uint16_t>(header.size())) + header + padded("", payload);
}

std::string zip_entry(const std::string& name) {
    return "PK\x03\x04"s + std::string(22, '\x01') + bytes_of(static_cast<std::uint16_t>(name.size())) + "\0\0"s +
           name + padded("", 100);
}

std::string hnswlib_header(std::uint64_t count, std::uint64_t dim, std::uint64_t links) {
    const std::uint64_t offset = links * 8 + 4;
    const std::uint64_t label = offset + 4 * dim;
    return packed(std::uint64_t{0}, 2 * count, count, label + 8, label, offset, std::int32_t{2}, std::uint32_t{5},
                  links, 2 * links, links, 1 / std::log(static_cast<double>(links)), std::uint64_t{200}) +
           padded("", 1000);
}

std::string fvecs(std::int32_t rows, std::int32_t dim) {
    std::string bytes;
    for (std::int32_t row = 0; row < rows; ++row) {
        bytes += bytes_of(dim);
        for (std::int32_t i = 0; i < dim; ++i) bytes += bytes_of(0.25F * static_cast<float>(i + row));
    }
    return bytes;
}

std::string bvecs(std::int32_t rows, std::int32_t dim) {
    std::string bytes;
    for (std::int32_t row = 0; row < rows; ++row)
        bytes += bytes_of(dim) + std::string(static_cast<std::size_t>(dim), 'b');
    return bytes;
}

std::string raw_floats(std::size_t count) {
    std::string bytes;
    for (std::size_t i = 0; i < count; ++i) bytes += bytes_of(static_cast<float>(std::sin(static_cast<double>(i) + 1)));
    return bytes;
}

std::string tar() {
    std::string bytes = "wiki/index.faiss" + std::string(512, '\0');
    bytes.replace(257, 6, "ustar\0"s);
    return bytes;
}

struct Foreign {
    std::string name;  ///< of the file
    std::string bytes;
    std::string kind;
    std::vector<std::string> parts = {};  ///< of the line
    std::vector<std::string> hints = {};  ///< of the hints, together; "@" stands for the path
};

const char* const lfs_pointer =
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 64559075373\n";

std::vector<Foreign> foreign_files() {
    return {
        // Pointers to what is elsewhere.
        {"wiki.index",
         lfs_pointer,
         "git_lfs_pointer",
         {"a Git LFS pointer", "64559075373 bytes", "60.13 GiB", "0x73726576 (\"vers\")"},
         {"lfs pull --include wiki.index"}},
        {"a b.index", lfs_pointer, "git_lfs_pointer", {"Git LFS"}, {"--include 'a b.index'"}},
        {"xet",
         "# xet version 0\nfilesize = 1055812\nhash = 'e2ca'\n",
         "xet_pointer",
         {"a Xet pointer", "1055812 bytes"},
         {"xet"}},
        {"annex", "/annex/objects/SHA256E-s1055812--ab.index\n", "git_annex_pointer", {"git-annex"}, {"annex get"}},
        {"wiki.index.dvc",
         "outs:\n- md5: a304afb96060aad90176268345e10355\n  size: 1055812\n  path: wiki.index\n",
         "dvc_pointer",
         {"DVC", "1055812 bytes"},
         {"dvc pull @"}},
        // Pages and errors that a download left.
        {"dl.index",
         "<!DOCTYPE html>\n<html><head><title>Sign in - Hub</title></head></html>\n",
         "html",
         {"an HTML page", "Sign in - Hub"},
         {"download"}},
        {"dl.index", "\n  <HTML lang=en><body>Virus scan warning</body></HTML>", "html", {"an HTML page"}},
        {"dl.index", "\xef\xbb\xbf<!doctype html><p>", "html", {"an HTML page"}},
        {"dl.index",
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>Access "
         "Denied</Message></Error>",
         "object_store_error",
         {"AccessDenied", "Access Denied"},
         {"download"}},
        {"dl.index", "<Error><Code>NoSuchKey</Code><Key>x</Key></Error>", "object_store_error", {"NoSuchKey"}},
        {"dl.index", "<?xml version=\"1.0\"?><note/>", "xml", {"an XML file"}},
        {"dl.index", "{\"error\":\"Repository not found\"}", "json", {"Repository not found"}, {"download"}},
        {"dl.index", "Entry not found", "text", {"Entry not found"}, {"download"}},
        {"dl.index", "404: Not Found", "text", {"404: Not Found"}, {"download"}},
        {"dl.index", "Invalid username or password.", "text", {"Invalid username"}},
        // Texts.
        {"corpus.jsonl",
         "{\"id\": \"0\", \"contents\": \"a\"}\n{\"id\": \"1\", \"contents\": \"b\"}\n",
         "jsonl",
         {"JSON lines"}},
        {"docstore.json", "{\"docstore/data\": {\"a\": {\"x\": 1}}}", "json", {"a JSON file", "0x"}},
        {"list.json", "[1, 2,\n 3]", "json", {"a JSON file"}},
        {"data.csv", "id,x,y\n1,0.5,0.25\n2,0.5,0.75\n", "table", {"CSV"}, {"build one"}},
        {"data.tsv", "id\tx\n1\t0.5\n", "table", {"TSV"}},
        {"build.sh", "#!/bin/sh\necho hello\n", "script", {"a script"}},
        {"README.md", "# An index\n\nThis folder has an index.\n", "text", {"a text"}},
        // Python.
        {"index.pkl",
         padded("\x80\x04\x95\x10\0\0\0\0\0\0\0langchain_community.docstore.in_memory"s),
         "pickle",
         {"a pickle of Python", "LangChain"},
         {"index.faiss"}},
        {"p2.pkl", padded("\x80\x02}q\0"s), "pickle", {"a pickle of Python"}, {"trust"}},
        {"p3.pkl", padded("\x80\x03]q\0"s), "pickle"},
        {"p5.pkl", padded("\x80\x05\x95\x10\0\0\0\0\0\0\0"s), "pickle"},
        {"p0.pkl", "(dp0\nVkey\np1\nI1\ns.", "pickle"},
        {"p0.pkl", "(lp0\nI1\naI2\na.", "pickle"},
        {"p1.pkl", "]q\0K\x01\x61."s, "pickle"},
        {"faiss.pkl",
         padded("\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x0f"
                "faiss.swigfaiss"s),
         "pickle",
         {"of a Faiss index"},
         {"faiss.write_index"}},
        {"model.bin",
         padded("\x80\x02\x8a\x0al\xfc\x9c"
                "F\xf9 j\xa8P\x19."s),
         "pytorch",
         {"torch.save"}},
        {"model.pt", zip_entry("archive/data.pkl"), "pytorch", {"torch.save"}},
        {"x.npz", zip_entry("queries.npy"), "numpy_archive", {".npz"}},
        {"x.zip", zip_entry("wiki.index"), "zip", {"a ZIP archive"}, {"unzip @"}},
        {"x.docx", zip_entry("[Content_Types].xml"), "office"},
        {"x.zip", "PK\x05\x06"s + std::string(18, '\0'), "zip", {"empty"}},
        {"x.npy",
         npy("{'descr': '<f4', 'fortran_order': False, 'shape': (100, 8), }\n", 3200),
         "numpy_array",
         {"a NumPy array (100, 8) of '<f4'", "0x4d554e93 (\"\\x93NUM\")"},
         {"IndexFlatIP", "@"}},
        {"x.npy",
         npy("{'descr': '|u1', 'fortran_order': False, 'shape': (4096,), }\n", 4096),
         "numpy_array",
         {"serialised"},
         {"deserialize_index"}},
        {"cagra.bin",
         "<f4\0"s + npy("{'descr': '<i4', 'fortran_order': False, 'shape': (), }\n", 4),
         "cuvs",
         {"cuVS or RAFT"}},
        {"ivf.cuvs", npy("{'descr': '<i4', 'fortran_order': False, 'shape': (), }\n", 400), "cuvs", {"cuVS or RAFT"}},
        // Compressed and packed.
        {"wiki.index.gz", padded("\x1f\x8b\x08\x08"s), "gzip", {"a gzip file"}, {"gzip -dc @ > "}},
        {"wiki.tar.gz", padded("\x1f\x8b\x08\0"s), "gzip", {}, {"tar -xf @"}},
        {"wiki.tgz", padded("\x1f\x8b\x08\0"s), "gzip", {}, {"tar -xf @"}},
        {"wiki.bz2", padded("BZh91AY&SY"), "bzip2", {"a bzip2 file"}, {"bzip2 -dc"}},
        {"wiki.xz",
         padded("\xfd"
                "7zXZ\0\0\x04"s),
         "xz",
         {},
         {"xz -dc"}},
        {"wiki.zst", padded("\x28\xb5\x2f\xfd\x04"s), "zstd", {"0xfd2fb528"}, {"zstd -dc"}},
        {"wiki.lz4", padded("\x04\x22\x4d\x18\x64"s), "lz4", {}, {"lz4 -dc"}},
        {"wiki.lzma", padded("\x5d\0\0\x80\0"s), "lzma"},
        {"wiki.lz", padded("LZIP\x01"), "lzip"},
        {"wiki.Z", padded("\x1f\x9d\x90"s), "compress"},
        {"wiki.sz", padded("\xff\x06\0\0sNaPpY"s), "snappy"},
        {"wiki.tar", tar(), "tar", {"a tar archive"}, {"tar -xf @"}},
        {"wiki.7z", padded("7z\xbc\xaf\x27\x1c"), "7z", {}, {"7z x @"}},
        {"wiki.rar", padded("Rar!\x1a\x07\x01\0"s), "rar", {}, {"unrar x"}},
        {"wiki.a", padded("!<arch>\n"), "ar"},
        {"wiki.cpio", padded("070701"), "cpio"},
        {"wiki.cab", padded("MSCF"), "cab"},
        {"wiki.sqsh", padded("hsqs"), "squashfs"},
        // Arrays, tables and databases.
        {"glove.hdf5", padded("\x89HDF\r\n\x1a\n"), "hdf5", {"HDF5"}, {"data"}},
        {"x.parquet", padded("PAR1"), "parquet"},
        {"x.arrow", padded("ARROW1\0\0"s), "arrow"},
        {"x.arrows", padded("\xff\xff\xff\xff\x10\0\0\0"s), "arrow_stream"},
        {"x.feather", padded("FEA1"), "feather"},
        {"x.orc", padded("ORC"), "orc"},
        {"x.avro", padded("Obj\x01"), "avro"},
        {"x.mat", padded("MATLAB 5.0 MAT-file, Platform"), "matlab"},
        {"x.lance", padded("\x11\x22\x33\x99") + "LANC", "lance"},
        {"chroma.sqlite3", padded("SQLite format 3\0"s), "sqlite"},
        {"x.db",
         padded("\x01\x02\x03\x9a\x05\x06\x07\x08"
                "DUCK"),
         "duckdb"},
        {"data.mdb", padded("\xa1\0\0\0\0\0\0\0\0\0\x08\0\0\0\0\0\xde\xc0\xef\xbe"s), "lmdb"},
        {"_0.vec", padded("\x3f\xd7\x6c\x17"), "lucene"},
        {"insert_log", padded("\xbc\xfa\xff\0"s), "milvus_binlog"},
        // Models.
        {"m.safetensors", bytes_of(std::uint64_t{64}) + "{\"__metadata__\":{}}" + padded("", 600), "safetensors"},
        {"m.gguf", padded("GGUF\x03\0\0\0"s), "gguf"},
        {"m.ggml", padded("tjgg"), "ggml"},
        {"m.tflite", padded("\x1c\0\0\0TFL3"s), "tflite"},
        {"m.onnx",
         padded("\x08\x07\x12\x07pytorch\x1a\x05"
                "2.1.0"s),
         "onnx"},
        // Other libraries' indexes.
        {"h.bin", hnswlib_header(1000, 384, 16), "hnswlib", {"an index of hnswlib, 1000 x 384"}, {"get_items"}},
        {"header.bin", bytes_of(std::int32_t{1}) + hnswlib_header(50, 8, 48), "hnswlib", {"50 x 8"}},
        {"u.usearch",
         packed(std::uint32_t{10}, std::uint32_t{32}) + padded("", 320) + "usearch" + padded("", 57),
         "usearch",
         {"10 vectors"}},
        {"u.usearch", padded("usearch\x02"), "usearch"},
        {"x.ann", padded("\x01\0\0\0\x9f"s), "annoy", {"(a guess)"}},
        {"disk.mem.index",
         packed(std::uint64_t{700}, std::uint32_t{64}, std::uint32_t{3}, std::uint64_t{0}) + padded("", 676),
         "diskann"},
        // Vectors.
        {"base.fvecs", fvecs(20, 96), "vectors", {"20 x 96", ".fvecs"}, {"data"}},
        {"base.fvecs", fvecs(20, 93), "vectors", {"20 x 93"}},
        {"base.bvecs", bvecs(30, 130), "vectors", {"30 x 130", ".bvecs"}},
        {"base.fbin", packed(std::uint32_t{25}, std::uint32_t{12}) + raw_floats(300), "vectors", {"25 x 12", ".fbin"}},
        {"base.u8bin",
         packed(std::uint32_t{25}, std::uint32_t{12}) + padded("", 300),
         "vectors",
         {"25 x 12", ".u8bin"}},
        {"emb_e5.memmap", raw_floats(3000), "raw_floats", {"raw float32", "(a guess)"}},
        // Parts of Faiss.
        {"x.vt", padded("LTra\x01"), "faiss_part", {"LinearTransform"}, {"write_index"}},
        {"x.vt", padded("rrot\x01"), "faiss_part"},
        {"x.vt", padded("VNrm\0\0\0\x40"s), "faiss_part"},
        {"x.il", padded("ilar"), "faiss_part", {"inverted lists"}},
        {"x.il", padded("ilod"), "faiss_part"},
        {"x.pq",
         packed(std::uint64_t{32}, std::uint64_t{8}, std::uint64_t{4}, std::uint64_t{512}) + padded("", 2048),
         "faiss_part",
         {"PQ8x4"}},
        {"merged.ivfdata", padded("\x99\x98\x97\x96"), "faiss_part", {"(a guess)"}},
        // Downloads that did not end.
        {"wiki.index", std::string(20000, '\0'), "zeros", {"nothing but zeros"}, {"download"}},
        {"wiki.index", std::string(20000, '\0') + "x", "zeros_in_front", {"zeros for its first 4096 bytes"}},
        {"wiki.index.aria2", padded("\x99\x01\x97\x96"), "partial_download", {"(a guess)"}},
        {"wiki.index.crdownload", padded("\x99\x01\x97\x96"), "partial_download"},
        // Whatever a path may have led to.
        {"x.pdf", padded("%PDF-1.7\n"), "pdf"},
        {"x.png", padded("\x89PNG\r\n\x1a\n"), "image"},
        {"x.jpg", padded("\xff\xd8\xff\xe0"), "image"},
        {"x.gif", padded("GIF89a\x9f"), "image"},
        {"x.webp", padded("RIFF\x10\0\0\0WEBP"s), "image"},
        {"x.doc", padded("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "office"},
        {"libfaiss.so",
         padded("\x7f"
                "ELF\x02\x01"),
         "elf",
         {"an ELF program"}},
        {"x.class", padded("\xca\xfe\xba\xbe"), "program"},
        {"x.exe", padded("MZ\x90\0"s), "program"},
        {"x.wasm", padded("\0asm"s), "program"},
    };
}

std::string replaced(std::string text, const std::string& path) {
    for (std::size_t at = text.find('@'); at != std::string::npos; at = text.find('@', at + path.size())) {
        text.replace(at, 1, path);
    }
    return text;
}

TEST(ForeignFiles, AreNamedWithWhatToDo) {
    const TempDir folder;
    std::set<std::string> kinds;
    const std::vector<Foreign> files = foreign_files();
    for (const Foreign& foreign : files) {
        SCOPED_TRACE(foreign.name + ", " + foreign.kind);
        const std::filesystem::path path = folder / foreign.name;
        write_file(path, foreign.bytes);
        try {
            inspect_index(path);
            ADD_FAILURE() << "is read as an index";
        } catch (const BadFile& error) {
            const std::string line = error.what();
            EXPECT_THAT(line, AllOf(HasSubstr(path.string() + ": is "), HasSubstr("not a Faiss index: Index type 0x")));
            EXPECT_EQ(line.find_first_of("\n\r\x1b"), std::string::npos) << line;
            EXPECT_THAT(error.fields(), testing::Contains(ErrorField{"found", foreign.kind})) << line;
            std::string hints;
            for (const std::string& hint : error.hints()) hints += hint + "\n";
            EXPECT_FALSE(hints.empty());
            for (const std::string& part : foreign.parts) EXPECT_THAT(line, HasSubstr(part));
            for (const std::string& part : foreign.hints) EXPECT_THAT(hints, HasSubstr(replaced(part, path.string())));
        }
        kinds.insert(foreign.kind);
        std::filesystem::remove(path);
    }
    EXPECT_GE(files.size(), 100u);
    EXPECT_GE(kinds.size(), 60u);
}

TEST(ForeignFiles, CostAFewKilobytesWhateverTheirSize) {
    const TempDir folder;
    for (const char* beginning : {lfs_pointer, "IxZZ", "\x1f\x8b", "{\"a\": 1}\n{\"a\": 2}"}) {
        write_file(folder / "big", padded(beginning));
        std::filesystem::resize_file(folder / "big", 64'559'075'373);
        const auto file = open_file(folder / "big");
        EXPECT_THROW(inspect_index(*file), BadFile);
        EXPECT_LE(file->bytes_read(), 16_KiB);
    }
}

TEST(ForeignFiles, OfNoKnownFormatAreUnknown) {
    const std::string bytes = padded("abcd\x99", 601);
    EXPECT_FALSE(recognise_foreign_file(*view_memory(bytes.data(), bytes.size(), "x.index")));
}

/// Every cut of every one of them, and every byte changed in their beginning: a verdict or none, and no crash.
TEST(ForeignFiles, MayBeCutAndDamagedAnywhere) {
    for (const Foreign& foreign : foreign_files()) {
        for (std::size_t size = 4; size < std::min<std::size_t>(foreign.bytes.size(), 300); ++size) {
            EXPECT_NO_THROW(recognise_foreign_file(*view_memory(foreign.bytes.data(), size, foreign.name)));
        }
        for (std::size_t i = 0; i < std::min<std::size_t>(foreign.bytes.size(), 64); ++i) {
            std::string damaged = foreign.bytes;
            damaged[i] = '\xff';
            EXPECT_NO_THROW(recognise_foreign_file(*view_memory(damaged.data(), damaged.size(), foreign.name)));
        }
    }
}

TEST(ForeignFiles, APickleOfLangChainLeadsToTheIndexBesideIt) {
    const TempDir folder;
    write_file(folder / "index.pkl", padded("\x80\x04\x95langchain"));
    write_file(folder / "index.faiss", flat_index(uniform_rows(3, 4, 1), Metric::l2));
    try {
        inspect_index(folder / "index.pkl");
        FAIL();
    } catch (const BadFile& error) {
        EXPECT_THAT(error.hints(), testing::ElementsAre(HasSubstr((folder / "index.faiss").string())));
    }
}

TEST(ForeignFiles, NeverIncludeAnIndex) {
    const auto data = test::shared_data();
    if (data.empty()) GTEST_SKIP() << "no recorded index files here (set GPUSHARD_SHARED_DATA)";
    int read = 0;
    int refused = 0;
    for (const char* folder : {"zoo", "field", "legacy"}) {
        for (const auto& entry : std::filesystem::directory_iterator(data / folder)) {
            if (entry.path().extension() != ".index") continue;
            try {
                inspect_index(entry.path());
                ++read;
            } catch (const BadFile& error) {
                EXPECT_THAT(error.what(), AllOf(HasSubstr("is not supported"), Not(HasSubstr("not a Faiss index"))))
                    << entry.path();
                ++refused;
            }
        }
    }
    EXPECT_GE(read, 14);
    EXPECT_GE(refused, 40);
}

TEST(TypeCodes, ArePrintedAsFaissPrintsThem) {
    EXPECT_EQ(as_faiss_prints("vers"), "Index type 0x73726576 (\"vers\") not recognized");
    EXPECT_EQ(as_faiss_prints("\x93NUM"), "Index type 0x4d554e93 (\"\\x93NUM\") not recognized");
    EXPECT_EQ(as_faiss_prints("\xbe\0 \x0c"s), "Index type 0x0c2000be (\"\\xbe\\x00 \\x0c\") not recognized");
    EXPECT_EQ(as_faiss_prints("\x7f\x7e\x1f\x20"), "Index type 0x201f7e7f (\"\\x7f~\\x1f \") not recognized");
}

class Folders : public testing::Test {
protected:
    std::filesystem::path write(const std::string& name, const std::string& bytes) const {
        std::filesystem::create_directories((folder_ / name).parent_path());
        write_file(folder_ / name, bytes);
        return folder_ / name;
    }

    /// The line and its hints.
    std::string refusal() const {
        try {
            inspect_index(folder_.path());
        } catch (const BadFile& error) {
            std::string text = error.what();
            for (const std::string& hint : error.hints()) text += "\n" + hint;
            return text;
        }
        return {};
    }

    TempDir folder_;
    std::string index_ = flat_index(uniform_rows(3, 4, 1), Metric::l2);
};

TEST_F(Folders, NameTheIndexInThem) {
    EXPECT_THAT(refusal(), AllOf(HasSubstr("is a folder, expected a Faiss index file"), HasSubstr("no Faiss index")));
    const std::string path = write("faiss_index/index.faiss", index_).string();
    write("faiss_index/index.pkl", padded("\x80\x04\x95"));
    EXPECT_THAT(refusal(), AllOf(HasSubstr("is a folder"), HasSubstr("an index in it: " + path),
                                 HasSubstr("IndexFlatL2 of 93 B: gpushard inspect " + path)));
}

TEST_F(Folders, NameTheirIndexesHoweverTheyAreCalled) {
    write("default__vector_store.json", index_);
    write("b/e5_Flat.index", index_);
    write("b/index", "IwFl" + padded("", 100));
    write("index.faiss", index_);
    write("notes.txt", "nothing");
    const std::string text = refusal();
    EXPECT_THAT(text, AllOf(HasSubstr("4 indexes in it"), HasSubstr("default__vector_store.json"),
                            HasSubstr("e5_Flat.index"), HasSubstr("IndexIVFFlat"), Not(HasSubstr("notes.txt"))));
    EXPECT_LT(text.find("index.faiss"), text.find("e5_Flat.index"));
}

TEST_F(Folders, ListSomeOfManyIndexes) {
    for (int i = 0; i < 30; ++i) write("part" + std::to_string(i) + ".index", index_);
    EXPECT_THAT(refusal(), AllOf(HasSubstr("30 indexes in it"), HasSubstr("and 22 more")));
}

TEST_F(Folders, SayWhatAFileNamedLikeAnIndexIs) {
    write("index.faiss", lfs_pointer);
    EXPECT_THAT(refusal(), AllOf(HasSubstr("index.faiss in it is a Git LFS pointer"), HasSubstr("lfs pull")));
}

TEST_F(Folders, SayWhoseTheyAre) {
    write("chroma.sqlite3", padded("SQLite format 3\0"s));
    EXPECT_THAT(refusal(), HasSubstr("a database of Chroma"));
}

TEST_F(Folders, AreNotReadWithoutEnd) {
    for (int i = 0; i < 1100; ++i) write("a" + std::to_string(i), "x");
    EXPECT_THAT(refusal(), HasSubstr("no Faiss index was found"));
}

}  // namespace
}  // namespace gpushard
