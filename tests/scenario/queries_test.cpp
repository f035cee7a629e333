#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <vector>
#include <zip.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenario.hpp"
#include "support/half.hpp"
#include "support/shared_data.hpp"

namespace gpushard::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int usage = 2;
constexpr int bad_file = 4;
constexpr std::int64_t query_count = 6;
constexpr std::int32_t dim = 8;

template <typename Value>
void append(std::string& bytes, Value value, bool big_endian = false) {
    char text[sizeof value];
    std::memcpy(text, &value, sizeof value);
    if (big_endian) std::reverse(std::begin(text), std::end(text));
    bytes.append(text, sizeof text);
}

std::uint16_t to_bfloat(float value) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    return static_cast<std::uint16_t>(bits >> 16);
}

/// The values as elements of a type that holds them exactly.
std::string elements(const std::vector<float>& values, char kind, int size, bool big_endian = false) {
    std::string bytes;
    for (const float value : values) {
        const auto whole = static_cast<std::int64_t>(value);
        const std::string type = std::string(1, kind) + std::to_string(size);
        if (type == "f2") append(bytes, to_half(value), big_endian);
        if (type == "B2") append(bytes, to_bfloat(value), big_endian);
        if (type == "f4") append(bytes, value, big_endian);
        if (type == "f8") append(bytes, static_cast<double>(value), big_endian);
        if (type == "i1" || type == "u1" || type == "b1") append(bytes, static_cast<std::int8_t>(whole), big_endian);
        if (type == "i2" || type == "u2") append(bytes, static_cast<std::int16_t>(whole), big_endian);
        if (type == "i4" || type == "u4") append(bytes, static_cast<std::int32_t>(whole), big_endian);
        if (type == "i8" || type == "u8") append(bytes, whole, big_endian);
    }
    return bytes;
}

std::string npy_of(const std::string& descr, const std::string& shape, const std::string& values,
                   const std::string& fortran_order = "False") {
    return npy(descr, shape, std::vector<char>(values.begin(), values.end()), fortran_order);
}

std::string safetensors(const std::string& header, const std::string& values) {
    std::string bytes;
    append(bytes, static_cast<std::uint64_t>(header.size()));
    return bytes + header + values;
}

/// A zip archive of these members, compressed as numpy.savez_compressed does or stored as numpy.savez does.
void write_archive(const std::string& path, const std::vector<std::pair<std::string, std::string>>& members,
                   int compression) {
    int error = 0;
    zip_t* const archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &error);
    ASSERT_NE(archive, nullptr) << error;
    for (const auto& [name, bytes] : members) {
        zip_source_t* const source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
        const zip_int64_t index = zip_file_add(archive, name.c_str(), source, 0);
        ASSERT_GE(index, 0);
        ASSERT_EQ(zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), compression, 0), 0);
    }
    ASSERT_EQ(zip_close(archive), 0);
}

/// An index, queries of small whole numbers that every element type holds, and the ids that float32 in C order gets.
class Queries : public ScenarioFolder {
protected:
    Queries() {
        Rows rows = whole_number_rows(100, dim, 1);
        queries_ = whole_number_rows(query_count, dim, 2);
        for (float& value : queries_.values) value = std::abs(value);  // for unsigned types
        index_ = write("some.index", flat_index(rows, Metric::inner_product));
        expected_ = answers({"--queries", write("plain.npy", query_npy(queries_))});
    }

    /// The bytes of --out.
    std::string answers(const Arguments& options, const ChildSetup& setup = {}) {
        Arguments command = {"search", index_, "--out", path("ids.npy"), "--k", "3", "--quiet"};
        command.insert(command.end(), options.begin(), options.end());
        const ChildResult result = run_gpushard(command, setup);
        EXPECT_EQ(result.exit_code, 0) << result.err;
        return result.exit_code == 0 ? read_file(folder_ / "ids.npy") : "";
    }

    void expect_same(const std::string& name, const std::string& bytes, const Arguments& options = {}) {
        SCOPED_TRACE(name);
        Arguments command = {"--queries", write(name, bytes)};
        command.insert(command.end(), options.begin(), options.end());
        EXPECT_EQ(answers(command), expected_);
    }

    void expect_refused(const std::string& name, const std::string& bytes, const std::vector<std::string>& parts,
                        int code = bad_file, const Arguments& options = {}) {
        Arguments command = {"search", index_, "--queries", write(name, bytes)};
        command.insert(command.end(), options.begin(), options.end());
        expect_error(command, code, parts);
    }

    std::vector<float> column_by_column() const {
        std::vector<float> values;
        for (std::int32_t j = 0; j < dim; ++j) {
            for (std::int64_t i = 0; i < query_count; ++i) values.push_back(queries_.row(i)[j]);
        }
        return values;
    }

    Rows queries_;
    std::string index_;
    std::string expected_;
};

TEST_F(Queries, OfEveryElementTypeAndOrder) {
    struct Type {
        char kind;
        int size;
    };
    for (const Type type : {Type{'f', 2},
                            {'f', 4},
                            {'f', 8},
                            {'i', 1},
                            {'u', 1},
                            {'i', 2},
                            {'u', 2},
                            {'i', 4},
                            {'u', 4},
                            {'i', 8},
                            {'u', 8}}) {
        for (const char order : {'<', '>', '='}) {
            const std::string descr =
                std::string(1, type.size == 1 ? '|' : order) + type.kind + std::to_string(type.size);
            expect_same("typed.npy",
                        npy_of(descr, "(6, 8)", elements(queries_.values, type.kind, type.size, order == '>')));
            if (type.size == 1) break;
        }
        expect_same("fortran.npy", npy_of(std::string("<") + type.kind + std::to_string(type.size), "(6, 8)",
                                          elements(column_by_column(), type.kind, type.size), "True"));
    }
}

TEST_F(Queries, OfOtherShapes) {
    const std::string values = elements(queries_.values, 'f', 4);
    for (const char* shape : {"(6, 1, 8)", "(1, 6, 8)", "(6, 8, 1)"}) {
        expect_same("shaped.npy", npy_of("<f4", shape, values));
    }
    const std::string one = values.substr(0, dim * sizeof(float));
    const std::string single = write("single.npy", npy_of("<f4", "(1, 8)", one));
    const std::string expected = answers({"--queries", single});
    EXPECT_EQ(answers({"--queries", write("vector.npy", npy_of("<f4", "(8,)", one))}), expected);
    EXPECT_EQ(answers({"--queries", write("vector.npy", npy_of("<f4", "(8,)", one, "True"))}), expected);
    expect_refused("cube.npy", npy_of("<f4", "(2, 3, 8)", values), {"(2, 3, 8)", "3 dimensions", "expected 2"});
    expect_refused("scalar.npy", npy_of("<f4", "()", one), {"0 dimensions"});
    expect_refused("flat.npy", npy_of("<f4", "(16,)", values.substr(0, 64)), {"dimension 16", "the index has 8"});
}

TEST_F(Queries, InTheContainersOfTheField) {
    const auto counted = [&](char kind, int size) {
        std::string bytes;
        append(bytes, static_cast<std::uint32_t>(query_count));
        append(bytes, static_cast<std::uint32_t>(dim));
        return bytes + elements(queries_.values, kind, size);
    };
    const auto prefixed = [&](char kind, int size) {
        std::string bytes;
        for (std::int64_t i = 0; i < query_count; ++i) {
            append(bytes, dim);
            bytes += elements({queries_.row(i), queries_.row(i) + dim}, kind, size);
        }
        return bytes;
    };
    expect_same("q.fbin", counted('f', 4));
    expect_same("q.f16bin", counted('f', 2));
    expect_same("q.u8bin", counted('u', 1));
    expect_same("q.i8bin", counted('i', 1));
    expect_same("q.fvecs", prefixed('f', 4));
    expect_same("q.bvecs", prefixed('u', 1));
    // Names that say nothing: told by what fits the size and the index.
    for (const char* name : {"q.bin", "queries", "q.dat"}) {
        expect_same(name, counted('f', 4));
        expect_same(name, prefixed('f', 4));
        expect_same(name, query_npy(queries_));
        // Rows of 12 bytes whose every third begins like one of 36.
        expect_refused(name, prefixed('u', 1), {".fvecs or .bvecs"}, usage);
    }
    const std::string raw = elements(queries_.values, 'f', 4);
    expect_same("q.f32", raw, {"--dim", "8"});
    expect_refused("q.f32", raw, {"no query file"});
    EXPECT_THAT(run_gpushard({"search", index_, "--queries", path("q.f32")}).err, HasSubstr("--dim 8"));
    expect_refused("q.f32", raw.substr(1), {"truncated"}, bad_file, {"--dim", "8"});
    expect_refused("q.f32", raw, {"--dim is 7"}, usage, {"--dim", "7"});
    expect_refused("q.npy", query_npy(queries_), {"--dim"}, bad_file, {"--dim", "8"});
}

TEST_F(Queries, InSafetensorsFiles) {
    const auto header = [](const std::string& name, const std::string& dtype, std::size_t begin, std::size_t end) {
        return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":[6,8],\"data_offsets\":[" +
               std::to_string(begin) + "," + std::to_string(end) + "]}";
    };
    struct Type {
        const char* dtype;
        char kind;
        int size;
    };
    for (const Type type : {Type{"F32", 'f', 4},
                            {"F16", 'f', 2},
                            {"BF16", 'B', 2},
                            {"F64", 'f', 8},
                            {"I8", 'i', 1},
                            {"U8", 'u', 1},
                            {"I64", 'i', 8}}) {
        const std::string values = elements(queries_.values, type.kind, type.size);
        expect_same("q.safetensors",
                    safetensors("{" + header("embedding", type.dtype, 0, values.size()) + "}", values));
        // The queries among others, which follow and precede them.
        expect_same("q.safetensors",
                    safetensors("{\"__metadata__\":{\"by\":\"test\"}," + header("a", type.dtype, 0, values.size()) +
                                    "," + header("queries", type.dtype, values.size(), 2 * values.size()) + "}",
                                std::string(values.size(), '\1') + values + std::string(16, '\1')));
    }
    const std::string values = elements(queries_.values, 'f', 4);
    expect_refused("q.safetensors",
                   safetensors("{" + header("a", "F32", 0, 192) + "," + header("b", "F32", 0, 192) + "}", values),
                   {"several arrays (a, b)"});
    expect_refused("q.safetensors", safetensors("{" + header("a", "F32", 64, 256) + "}", values), {"truncated"});
    expect_refused("q.safetensors",
                   safetensors("{" + header("a", "F32", ~std::size_t{0} - 7, ~std::size_t{0}) + "}", values),
                   {"beyond"});
    expect_refused("q.safetensors", safetensors("{" + header("a", "C64", 0, 192) + "}", values), {"C64"});
    expect_refused("q.safetensors", safetensors("{\"a\":[1]}", values), {"malformed"});
    expect_refused("q.safetensors", safetensors("{]", values), {"malformed"});
}

TEST_F(Queries, InArchives) {
    const std::string plain = query_npy(queries_);
    const std::string others = npy("<i8", "(2, 2)", std::vector<std::int64_t>(4));
    for (const int compression : {ZIP_CM_STORE, ZIP_CM_DEFLATE}) {
        write_archive(path("one.npz"), {{"arr_0.npy", plain}}, compression);
        EXPECT_EQ(answers({"--queries", path("one.npz")}), expected_);
        write_archive(path("several.npz"), {{"ids.npy", others}, {"queries.npy", plain}, {"readme.txt", "x"}},
                      compression);
        EXPECT_EQ(answers({"--queries", path("several.npz")}), expected_);
    }
    write_archive(path("unnamed.npz"), {{"a.npy", others}, {"b.npy", plain}}, ZIP_CM_DEFLATE);
    expect_error({"search", index_, "--queries", path("unnamed.npz")}, bad_file, {"several arrays (a, b)"});
    write_archive(path("none.npz"), {{"data.pkl", plain}}, ZIP_CM_DEFLATE);
    expect_error({"search", index_, "--queries", path("none.npz")}, bad_file, {"without NumPy arrays"});
    const std::string whole = read_file(folder_ / "several.npz");
    for (const std::size_t length : {whole.size() / 4, whole.size() / 2, whole.size() - 1}) {
        expect_refused("cut.npz", whole.substr(0, length), {"cut.npz"});
    }
    std::string damaged = whole;
    damaged[damaged.find("queries.npy") + 40] ^= 0x55;
    expect_refused("damaged.npz", damaged, {"damaged.npz"});
}

TEST_F(Queries, ThroughPipesAndStandardInput) {
    const std::string plain = path("plain.npy");
    write_archive(path("some.npz"), {{"queries.npy", query_npy(queries_)}}, ZIP_CM_DEFLATE);
    EXPECT_EQ(answers({"--queries", "-"}, {.stdin_path = plain}), expected_);
    EXPECT_EQ(answers({"--queries", "-"}, {.stdin_path = path("some.npz")}), expected_);
    const std::string raw = write("raw", elements(queries_.values, 'f', 4));
    EXPECT_EQ(answers({"--queries", "-", "--dim", "8"}, {.stdin_path = raw}), expected_);

    const std::string pipe = path("pipe");
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    std::thread writer([&] { std::ofstream(pipe, std::ios::binary) << read_file(folder_ / "plain.npy"); });
    EXPECT_EQ(answers({"--queries", pipe}), expected_);
    writer.join();

    expect_error({"search", index_, "--queries", "-"}, bad_file, {"standard input", "device"});
    expect_error({"search", index_, "--queries", "/dev/zero"}, bad_file, {"/dev/zero", "device"});
    expect_error({"search", index_, "--queries", folder_.path().string()}, bad_file, {"folder"});
}

TEST_F(Queries, OfOtherKindsAreNamedWithWhatToDo) {
    struct Case {
        const char* name;
        std::string bytes;
        const char* what;
        const char* conversion;
    };
    for (const Case& other : {Case{"q.hdf5", "\x89HDF\r\n\x1a\n and so on", "HDF5", "h5py"},
                              {"q.parquet", "PAR1 and so on", "Parquet", "read_parquet"},
                              {"q.feather", "ARROW1 and so on", "Arrow", "read_feather"},
                              {"q.pkl", std::string("\x80\x04\x95 and so on"), "pickle", "pickle.load"},
                              {"q.npy.gz", std::string("\x1f\x8b\x08 and so on"), "gzip", "gzip -dk"},
                              {"q.zst", std::string("\x28\xb5\x2f\xfd and so on"), "zstd", "zstd -dk"},
                              {"q.json", "[[1, 2, 3]]", "JSON", "json.load"}}) {
        expect_refused(other.name, other.bytes, {other.name, other.what});
        const ChildResult result = run_gpushard({"search", index_, "--queries", path(other.name)});
        EXPECT_THAT(result.err, AllOf(HasSubstr(other.conversion), HasSubstr(path(other.name))));
    }
    for (const char* descr : {"<c8", "|O", "<U4", "<M8[s]", "|V2"}) {
        expect_refused("typed.npy", npy_of(descr, "(6, 8)", std::string(384, '\0')), {descr, "float32"});
    }
}

TEST_F(Queries, OfMoreThanFloat32HoldsAreRefusedByNumber) {
    std::vector<double> values(queries_.values.begin(), queries_.values.end());
    values[2 * dim + 5] = 1e300;
    expect_refused("large.npy", npy("<f8", "(6, 8)", values), {"query 2", "an infinity", "element 5"});
    values[2 * dim + 5] = std::numeric_limits<double>::quiet_NaN();
    expect_refused("nan.npy", npy("<f8", "(6, 8)", values), {"query 2", "a NaN"});
}

TEST_F(Queries, OfAnyCountTakeMemoryForABatch) {
#ifdef GPUSHARD_SANITIZED
    GTEST_SKIP() << "sanitizers take memory of their own";
#endif
    // Sparse: 1 GiB of zeros, more than the process may take.
    const std::int64_t count = (std::int64_t{1} << 30) / (dim * 4);
    const std::string header = npy("<f4", "(" + std::to_string(count) + ", 8)", std::vector<float>{});
    write("many.npy", header);
    std::filesystem::resize_file(folder_ / "many.npy", header.size() + (std::uintmax_t{1} << 30));
    std::fstream file(folder_ / "many.npy", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-4, std::ios::end);
    const float infinity = std::numeric_limits<float>::infinity();
    file.write(reinterpret_cast<const char*>(&infinity), sizeof infinity);
    file.close();
    const ChildResult result =
        run_gpushard({"search", index_, "--queries", path("many.npy"), "--out", path("never.npy")},
                     {.largest_data_bytes = 512 << 20});
    EXPECT_EQ(result.exit_code, bad_file) << result.err;
    EXPECT_THAT(result.err, HasSubstr("query " + std::to_string(count - 1)));
}

TEST_F(Queries, AnswersInJsonOnStandardOutputAndLineByLine) {
    const std::string plain = path("plain.npy");
    const Array<std::int64_t> ids = read_ids(folder_ / "ids.npy");
    const Json json = json_of({"search", index_, "--queries", plain, "--k", "3"});
    ASSERT_EQ(json["ids"].size(), static_cast<std::size_t>(query_count));
    const Arguments to_files = {"search", index_, "--queries", plain, "--k", "3", "--distances", path("d.npy")};
    ASSERT_EQ(run_gpushard(to_files).exit_code, 0);
    const Array<float> distances = read_distances(folder_ / "d.npy");

    const ChildResult lines = run_gpushard({"search", index_, "--queries", plain, "--k", "3", "--jsonl"});
    ASSERT_EQ(lines.exit_code, 0) << lines.err;
    EXPECT_THAT(lines.err, HasSubstr("6 queries, k 3"));
    std::istringstream text(lines.out);
    std::string line;
    for (std::int64_t i = 0; i < query_count; ++i) {
        ASSERT_TRUE(std::getline(text, line));
        const Json answer = Json::parse(line);
        EXPECT_EQ(answer["query"], i);
        for (std::size_t j = 0; j < 3; ++j) {
            const auto row = static_cast<std::size_t>(i);
            EXPECT_EQ(answer["ids"][j], ids.row(i)[j]);
            EXPECT_EQ(json["ids"][row][j], ids.row(i)[j]);
            EXPECT_EQ(answer["distances"][j].get<float>(), distances.row(i)[j]);
            EXPECT_EQ(json["distances"][row][j].get<float>(), distances.row(i)[j]);
        }
    }
    EXPECT_FALSE(std::getline(text, line));

    // Files hold them: the facts need not.
    EXPECT_TRUE(json_of({"search", index_, "--queries", plain, "--out", path("ids.npy")})["ids"].empty());
    // Fewer than k: -1, at no distance.
    const std::string few = write("few.index", flat_index(whole_number_rows(2, dim, 3), Metric::l2));
    const Json padded = json_of({"search", few, "--queries", plain, "--k", "3"});
    EXPECT_EQ(padded["ids"][0][2], -1);
    EXPECT_TRUE(padded["distances"][0][2].is_null());
}

TEST_F(Queries, AnswersOnStandardOutputAreTheFile) {
    const std::string plain = path("plain.npy");
    const ChildResult piped = run_gpushard({"search", index_, "--queries", plain, "--k", "3", "--out", "-"});
    ASSERT_EQ(piped.exit_code, 0) << piped.err;
    EXPECT_EQ(piped.out, expected_);
    EXPECT_THAT(piped.err, HasSubstr("6 queries, k 3"));
    for (const Arguments& both : {Arguments{"--out", "-", "--distances", "-"},
                                  {"--out", "-", "--jsonl"},
                                  {"--out", "-", "--json"},
                                  {"--jsonl", "--json"},
                                  {"--jsonl", "--distances", "-"}}) {
        Arguments command = {"search", index_, "--queries", plain};
        command.insert(command.end(), both.begin(), both.end());
        EXPECT_EQ(run_gpushard(command).exit_code, usage);
    }
    EXPECT_EQ(run_gpushard({"search", index_, "--queries", plain, "--jsonl"}, {.nobody_reads_stdout = true}).exit_code,
              0);
}

TEST_F(Queries, NeighborsThatNobodyHasAreRefusedBeforeLoading) {
    const std::string plain = path("plain.npy");
    EXPECT_EQ(run_gpushard({"search", index_, "--queries", plain, "--k", "2048"}).exit_code, 0);
    expect_error({"search", index_, "--queries", plain, "--k", "2049"}, usage, {"k is 2049", "100 vectors"});
    const std::string large = write("large.index", flat_index(whole_number_rows(3000, dim, 3), Metric::l2));
    EXPECT_EQ(run_gpushard({"search", large, "--queries", plain, "--k", "2500"}).exit_code, 0);
    expect_error({"plan", large, "--devices", "A100-40GB", "--k", "2049"}, usage, {"k is 2049", "at most 2048"});
    // A replayed plan with a k for which it granted no memory.
    const ChildResult plan = run_gpushard({"plan", large, "--devices", "cpu=400KiB", "--json", "--max-batch", "1"});
    ASSERT_EQ(plan.exit_code, 0) << plan.err;
    const std::string saved = write("plan.json", plan.out);
    const ChildResult refused = run_gpushard({"search", "--plan", saved, "--queries", plain, "--k", "3000"});
    EXPECT_EQ(refused.exit_code, 3) << refused.err;
    EXPECT_THAT(refused.err, AllOf(HasSubstr("k = 3000"), Not(HasSubstr("loading"))));
}

TEST_F(Queries, OfTheFieldsArchivesAreAnsweredAsFaissDoes) {
    const std::filesystem::path folder = shared_data() / "field";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no recorded index files";
    int searched = 0;
    for (int i = 1; i <= 11; ++i) {
        const std::string name = (i < 10 ? "field_0" : "field_") + std::to_string(i);
        const std::string index = (folder / (name + ".index")).string();
        if (run_gpushard({"inspect", index}).exit_code != 0) continue;  // not flat
        const ChildResult result =
            run_gpushard({"search", index, "--queries", (folder / (name + ".npz")).string(), "--jsonl", "--quiet"});
        EXPECT_EQ(result.exit_code, 0) << name << result.err;
        EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 16) << name;
        ++searched;
    }
    EXPECT_GE(searched, 5);
}

}  // namespace
}  // namespace gpushard::test
