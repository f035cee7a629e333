#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenario.hpp"
#include "support/shared_data.hpp"

namespace gpushard::test {
namespace {

constexpr int usage = 2;
constexpr int does_not_fit = 3;
constexpr int bad_file = 4;
constexpr int device = 5;

template <typename Value>
std::string with(std::string bytes, std::size_t offset, Value value) {
    std::memcpy(bytes.data() + offset, &value, sizeof value);
    return bytes;
}

/// A good index of 50 x 8 and queries for it; a test spoils one thing and expects it to be told, with nothing left.
class BadInput : public ScenarioFolder {
protected:
    BadInput() {
        index_ = write("good.index", flat_index(rows_, Metric::inner_product));
        queries_ = write("good.npy", query_npy(rows_));
    }

    ~BadInput() override {
        for (const std::string& name : files()) {
            EXPECT_EQ(name.find("partial"), std::string::npos) << name;
            EXPECT_EQ(name.find("answer"), std::string::npos) << name;
        }
    }

    /// The index cannot be used, whatever the command.
    void refused_index(const std::string& bytes, const std::vector<std::string>& parts) {
        const std::string bad = write("bad.index", bytes);
        std::vector<std::string> expected = parts;
        expected.emplace_back("bad.index");
        for (const Arguments& command : {Arguments{"inspect", bad}, Arguments{"plan", bad}, Arguments{"load", bad},
                                         Arguments{"search", bad, "--queries", queries_}}) {
            expect_error(command, bad_file, expected);
        }
    }

    void refused_queries(const std::string& name, const std::string& bytes, const std::vector<std::string>& parts) {
        const std::string bad = write(name, bytes);
        std::vector<std::string> expected = parts;
        expected.push_back(name);
        expect_error({"search", index_, "--queries", bad, "--out", path("answer.npy")}, bad_file, expected);
    }

    void refused_option(const Arguments& options, const std::vector<std::string>& parts, int exit_code = usage) {
        for (Arguments command : {Arguments{"plan", index_}, Arguments{"load", index_},
                                  Arguments{"search", index_, "--queries", queries_, "--out", path("answer.npy")}}) {
            command.insert(command.end(), options.begin(), options.end());
            expect_error(command, exit_code, parts);
        }
    }

    Rows rows_ = uniform_rows(50, 8, 3);
    std::string index_;
    std::string queries_;
};

TEST_F(BadInput, NoFile) {
    for (const char* command : {"inspect", "plan", "load"}) {
        expect_error({command, path("absent.index")}, bad_file, {"absent.index", "No such file"});
    }
    expect_error({"search", path("absent.index"), "--queries", queries_}, bad_file, {"absent.index"});
    expect_error({"search", index_, "--queries", path("absent.npy")}, bad_file, {"absent.npy"});
}

TEST_F(BadInput, AFolder) {
    expect_error({"inspect", folder_.path().string()}, bad_file, {folder_.path().string()});
    expect_error({"load", folder_.path().string()}, bad_file, {folder_.path().string()});
    expect_error({"search", index_, "--queries", folder_.path().string()}, bad_file, {folder_.path().string()});
    expect_error({"plan", index_, "--plan", folder_.path().string()}, bad_file, {"is a folder"});
    expect_error({"inspect", "/dev/null"}, bad_file, {"/dev/null"});
}

TEST_F(BadInput, AnEmptyFile) { refused_index("", {}); }

TEST_F(BadInput, AHeaderTruncatedAtEveryByte) {
    const std::string bytes = flat_index(rows_, Metric::inner_product);
    for (std::size_t length = 1; length <= 45; ++length) {
        expect_error({"inspect", write("bad.index", bytes.substr(0, length))}, bad_file, {"bad.index"});
    }
}

TEST_F(BadInput, APayloadThatIsTooShortOrTooLong) {
    const std::string bytes = flat_index(rows_, Metric::inner_product);
    refused_index(bytes.substr(0, bytes.size() - 1), {});
    refused_index(bytes + "x", {});
}

TEST_F(BadInput, AbsurdNumbersInTheHeader) {
    const std::string bytes = flat_index(rows_, Metric::inner_product);
    for (const std::int32_t dim : {0, -1, 9, 1 << 21, std::numeric_limits<std::int32_t>::max()}) {
        refused_index(with(bytes, 4, dim), {});
    }
    for (const std::int64_t count :
         {std::int64_t{-1}, std::int64_t{51}, std::int64_t{1} << 40, std::numeric_limits<std::int64_t>::max()}) {
        refused_index(with(bytes, 8, count), {});
    }
    refused_index(with(bytes, 33, std::int32_t{77}), {"77"});
    refused_index(with(bytes, 37, std::uint64_t{1} << 62), {});
    refused_index(with(bytes, 32, std::uint8_t{7}), {});
}

TEST_F(BadInput, AnUnknownType) {
    const std::string bytes = flat_index(rows_, Metric::inner_product);
    refused_index("IwFl" + bytes.substr(4), {"IwFl"});
    refused_index(std::string("\0\1\2\3", 4) + bytes.substr(4), {});
    refused_index("This is no index, only some text that somebody typed.", {});
}

TEST_F(BadInput, EveryTypeOfTheZooThatIsNotSupported) {
    if (shared_data().empty()) GTEST_SKIP() << "no recorded index files: set GPUSHARD_SHARED_DATA";
    int refused = 0;
    for (const auto& entry : std::filesystem::directory_iterator(shared_data() / "zoo")) {
        const std::string name = entry.path().filename().string();
        if (entry.path().extension() != ".index") continue;
        const std::string fourcc = read_file(entry.path()).substr(0, 4);
        if (fourcc == "IxFI" || fourcc == "IxF2" || fourcc == "IxFl") {
            EXPECT_EQ(run_gpushard({"inspect", entry.path().string()}).exit_code, 0) << name;
            continue;
        }
        expect_error({"inspect", entry.path().string()}, bad_file, {name, fourcc});
        ++refused;
    }
    EXPECT_GT(refused, 30);
}

TEST_F(BadInput, AMissingPart) {
    const std::string bytes = flat_index(rows_, Metric::inner_product);
    const std::string first = write("part_aa", bytes.substr(0, 100));
    const std::string last = write("part_ac", bytes.substr(500));
    expect_error({"load", first, path("part_ab"), last}, bad_file, {"part_ab"});
    expect_error({"inspect", first, last}, usage, {"part_ab is not among the parts that are named"});
    expect_error({"inspect", first, write("part_ab", ""), last}, bad_file, {"part_ab"});
}

TEST_F(BadInput, QueriesThatAreNotNumbers) {
    Rows bad = rows_;
    bad.values[3 * 8 + 5] = std::numeric_limits<float>::quiet_NaN();
    refused_queries("nan.npy", query_npy(bad), {"query 3", "NaN"});
    bad.values[3 * 8 + 5] = -std::numeric_limits<float>::infinity();
    refused_queries("inf.fvecs", query_fvecs(bad), {"query 3", "infinity"});
}

TEST_F(BadInput, QueriesOfAnotherDimension) {
    const Rows wide = uniform_rows(5, 9, 1);
    refused_queries("wide.npy", query_npy(wide), {"dimension 9", "the index has 8"});
    refused_queries("wide.fvecs", query_fvecs(wide), {"dimension 9"});
    refused_queries("wide.fbin", query_fbin(wide), {"dimension 9"});
}

TEST_F(BadInput, QueriesThatAreMalformed) {
    const std::string good = query_npy(rows_);
    const std::vector<float> values(16);
    refused_queries("empty.npy", "", {"empty"});
    refused_queries("none.npy", npy("<f4", "(0, 8)", std::vector<float>{}), {"no queries"});
    refused_queries("text.npy", "not an array at all", {"NumPy"});
    refused_queries("data.csv", "1,2,3,4,5,6,7,8\n", {".npy", ".fvecs", ".fbin"});
    refused_queries("short.npy", good.substr(0, good.size() - 4), {"truncated"});
    refused_queries("long.npy", good + "0123", {});
    refused_queries("cube.npy", npy("<f4", "(2, 2, 4)", values), {"3 dimensions"});
    refused_queries("huge.npy", npy("<f4", "(4611686018427387904, 8)", values), {});
    refused_queries("negative.npy", npy("<f4", "(-2, 8)", values), {});
    refused_queries("words.npy", npy("<f4", "(two, 8)", values), {"malformed"});
    refused_queries("version.npy", with(good, 6, std::uint8_t{9}), {"version"});
    for (const std::size_t length : {7, 9, 20, 127}) {
        refused_queries("cut.npy", good.substr(0, length), {});
    }
    refused_queries("cut.fbin", query_fbin(rows_).substr(0, 5), {});
    refused_queries("short.fbin", query_fbin(rows_).substr(0, 100), {"truncated"});
    refused_queries("many.fbin", with(query_fbin(rows_), 0, std::uint32_t{0xffffffff}), {});
    refused_queries("none.fbin", with(query_fbin(rows_), 0, std::uint32_t{0}), {"no queries"});
    refused_queries("short.fvecs", query_fvecs(rows_).substr(0, 100), {"truncated"});
    refused_queries("mixed.fvecs", with(query_fvecs(rows_), 36, std::int32_t{7}), {"query 1"});
    refused_queries("negative.fvecs", with(query_fvecs(rows_), 0, std::int32_t{-8}), {"-8"});
}

TEST_F(BadInput, NumbersOutOfRange) {
    for (const char* option : {"--k", "--max-batch", "--min-devices", "--replicas", "--nprobe"}) {
        for (const char* value : {"0", "-1", "ten", "", "1.5", "99999999999999999999"}) {
            refused_option({option, value}, {option, value});
        }
    }
    expect_error({"load", index_, "--verify", "0"}, usage, {"--verify"});
    refused_option({"--min-devices", "3", "--devices", "cpu=1GiB*2"}, {"3"});
    refused_option({"--replicas", "2"}, {"replicate"});
}

TEST_F(BadInput, WordsThatAreUnknown) {
    for (const char* value : {"garbage", "-1GiB", "1e9", ""}) {
        refused_option({"--staging", value}, {"--staging"});
        refused_option({"--reserve", value}, {"--reserve"});
    }
    refused_option({"--staging", "0"}, {"--staging"});
    refused_option({"--strategy", "clever"}, {"--strategy", "clever", "balanced"});
    refused_option({"--precision", "f64"}, {"--precision", "f64", "f16"});
    refused_option({"--log-level", "loud"}, {"--log-level", "loud"});
    refused_option({"--colour", "red"}, {"--colour"});
    expect_error({}, usage);
    expect_error({"destroy", index_}, usage, {"destroy"});
    for (const char* command : {"inspect", "plan", "load"}) expect_error({command}, usage, {"index file"});
    expect_error({"search", index_}, usage, {"--queries"});
    expect_error({"search", "--queries", queries_}, usage, {"index file"});
}

TEST_F(BadInput, DevicesThatAreMalformedOrTwiceThere) {
    for (const char* devices : {"cpu,cpu", "cpu*2", "cpu=1GiB,cpu"}) {
        refused_option({"--devices", devices}, {"'cpu", "more than once"});
        expect_error({"devices", "--devices", devices}, usage, {"more than once"});
    }
    for (const char* devices : {"cpu=0", "cpu=0GiB*2", "cpu=lots", "cpu=1GiB*0", "cpu=1GiB*5000", "cpu,", ",", "cuda:x",
                                "voodoo", "4xA100", "@", "any=1GiB"}) {
        refused_option({"--devices", devices}, {std::string("'") + devices + "'"});
        expect_error({"devices", "--devices", devices}, usage, {std::string("'") + devices + "'"});
    }
}

TEST_F(BadInput, DevicesThatAreNotThere) {
    for (const char* devices : {"cuda:all", "cuda:0", "GPU-12345678", "0000:3b:00.0", "cuda:0=1GiB"}) {
        refused_option({"--devices", devices}, {}, device);
    }
    expect_error({"devices", "--measure"}, device, {"--measure"});
}

TEST_F(BadInput, RigsThatCannotBeRead) {
    refused_option({"--devices", "@" + path("absent.json")}, {"absent.json"}, bad_file);
    write("rig.json", "{\"devices\": [{\"spec\": \"cuda:0\"}]}");
    refused_option({"--devices", "@" + path("rig.json")}, {"rig.json", "devices[0].name is missing"}, bad_file);
    write("rig.json", "devices: 4");
    refused_option({"--devices", "@" + path("rig.json")}, {"rig.json", "not JSON"}, bad_file);
}

TEST_F(BadInput, DevicesThatAreTooSmall) {
    refused_option({"--devices", "cpu=1000B"}, {}, does_not_fit);
    const ChildResult result = run_gpushard({"plan", index_, "--devices", "cpu=1000B", "--json"});
    EXPECT_EQ(result.exit_code, does_not_fit);
    const Json json = Json::parse(result.out);
    EXPECT_EQ(json["fits"], false);
    EXPECT_GT(json["short_bytes"], 0);
    EXPECT_TRUE(json["alternatives"].is_array());
    EXPECT_EQ(json["error"]["short_bytes"], json["short_bytes"]);
    EXPECT_EQ(json["error"]["devices"][0]["device"], "cpu=1000B");
}

TEST_F(BadInput, PlansThatCannotBeReplayed) {
    const auto replayed = [&](const std::string& plan, int exit_code, const std::vector<std::string>& parts) {
        const std::string file = write("plan.json", plan);
        expect_error({"plan", index_, "--plan", file}, exit_code, parts);
        expect_error({"load", index_, "--plan", file}, exit_code, parts);
        expect_error({"search", index_, "--plan", file, "--queries", queries_, "--out", path("answer.npy")}, exit_code,
                     parts);
    };
    expect_error({"load", index_, "--plan", path("absent.json")}, bad_file, {"absent.json"});
    replayed("", bad_file, {"not JSON"});
    replayed("{}", bad_file, {"schema_version is missing"});

    const std::string good = run_gpushard({"plan", index_, "--devices", "cpu=1GiB*2", "--json"}).out;
    Json edited = Json::parse(good);
    edited["devices"][0]["rows"] = {0, 3};
    replayed(edited.dump(), bad_file, {"plan.json"});

    write("other.index", flat_index(uniform_rows(50, 8, 4), Metric::inner_product));
    const std::string other = run_gpushard({"plan", path("other.index"), "--devices", "cpu=1GiB*2", "--json"}).out;
    replayed(other, bad_file, {"another index"});

    write("plan.json", good);
    for (const Arguments& option : {Arguments{"--devices", "cpu"}, Arguments{"--precision", "f16"}}) {
        Arguments command = {"load", index_, "--plan", path("plan.json")};
        command.insert(command.end(), option.begin(), option.end());
        expect_error(command, usage, {"--plan", option[0]});
    }
}

TEST_F(BadInput, ResultsThatCannotBeWritten) {
    const auto search = [&](const std::string& out) {
        return Arguments{"search", index_, "--queries", queries_, "--out", out};
    };
    expect_error(search(path("absent/answer.npy")), bad_file, {"answer.npy", "No such file"});
    expect_error(search(folder_.path().string()), bad_file, {"no regular file"});
    expect_error(search("/dev/null"), bad_file, {"/dev/null"});
    Arguments twice = search(path("answer.npy"));
    twice.insert(twice.end(), {"--distances", path("answer.npy")});
    expect_error(twice, usage, {"same file"});
}

TEST_F(BadInput, IndexesThatCannotBeGenerated) {
    const auto generate = [&](const char* count, const char* dim) {
        return Arguments{"generate", "--out", path("answer.index"), "--count", count, "--dim", dim};
    };
    expect_error(generate("-1", "8"), usage, {"--count"});
    expect_error(generate("many", "8"), usage, {"--count"});
    expect_error(generate("10", "0"), usage, {"--dim"});
    expect_error(generate("10", "1048577"), usage, {"--dim"});
    expect_error(generate("9223372036854775807", "1048576"), usage, {"answer.index"});
    expect_error(generate("1000000000000000", "1024"), bad_file, {"answer.index", "the disk has"});
    expect_error({"generate", "--out", path("absent/answer.index"), "--count", "1", "--dim", "1"}, bad_file,
                 {"absent"});
    expect_error({"generate", "--out", path("answer.index"), "--count", "1", "--dim", "1", "--metric", "cosine"}, usage,
                 {"--metric", "cosine"});
    expect_error(
        {"generate", "--out", path("answer.index"), "--count", "1", "--dim", "1", "--queries", path("./answer.index")},
        usage, {"same file"});
    expect_error({"generate", "--count", "1", "--dim", "1"}, usage, {"--out"});
}

}  // namespace
}  // namespace gpushard::test
