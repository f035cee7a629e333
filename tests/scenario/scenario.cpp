#include "scenario.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>

#include <faiss/IndexFlat.h>
#include <faiss/index_io.h>
#include <gmock/gmock.h>

namespace gpushard::test {
namespace {

const char* kind_of(int exit_code) {
    static constexpr const char* kinds[] = {"",         "internal", "invalid_argument", "insufficient_memory",
                                            "bad_file", "device",   "cancelled"};
    return kinds[exit_code];
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

template <typename Value>
Array<Value> read_npy(const std::filesystem::path& path, const std::string& descr) {
    const std::string bytes = read_file(path);
    std::uint16_t length = 0;
    if (bytes.size() < 10 || bytes.compare(0, 6, "\x93NUMPY") != 0) throw std::runtime_error("no NumPy file");
    std::memcpy(&length, bytes.data() + 8, sizeof length);
    const std::string header = bytes.substr(10, length);
    const std::size_t shape = header.find("'shape': (");
    Array<Value> array;
    if (header.find("'" + descr + "'") == std::string::npos || shape == std::string::npos ||
        std::sscanf(header.c_str() + shape, "'shape': (%ld, %ld)", &array.rows, &array.columns) != 2) {
        throw std::runtime_error("unexpected NumPy header " + header);
    }
    array.values.resize(static_cast<std::size_t>(array.rows * array.columns));
    const std::size_t begin = 10u + length;
    if (begin % 64 != 0) throw std::runtime_error("values that are not aligned to 64 bytes");
    if (bytes.size() - begin != array.values.size() * sizeof(Value)) throw std::runtime_error("wrong size");
    std::memcpy(array.values.data(), bytes.data() + begin, bytes.size() - begin);
    return array;
}

template <typename Value>
void put(std::string& bytes, Value value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

namespace {

/// Whether the command loads or plans for devices and names none.
bool wants_devices(const Arguments& arguments) {
    const auto has = [&](const char* word) {
        return std::find(arguments.begin(), arguments.end(), word) != arguments.end();
    };
    const bool uses_devices = has("plan") || has("load") || has("search") || has("bench");
    return uses_devices && !has("--devices") && !has("--plan") && !has("--fit") && !has("--help");
}

}  // namespace

ChildResult run_gpushard(const Arguments& arguments, const ChildSetup& setup) {
    std::vector<std::string> command = {GPUSHARD_PROGRAM};
    command.insert(command.end(), arguments.begin(), arguments.end());
    if (wants_devices(arguments)) command.insert(command.end(), {"--devices", "cpu"});
    return run_child(command, setup);
}

Json json_of(Arguments arguments) {
    arguments.push_back("--json");
    const ChildResult result = run_gpushard(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    Json json = Json::parse(result.out, nullptr, false);
    EXPECT_TRUE(json.is_object()) << result.out;
    EXPECT_EQ(json.value("schema_version", 0), 1);
    EXPECT_TRUE(json.contains("gpushard_version"));
    EXPECT_TRUE(json.contains("faiss_version"));
    return json;
}

void expect_error(const Arguments& arguments, int exit_code, const std::vector<std::string>& parts) {
    std::string typed = "gpushard";
    for (const std::string& argument : arguments) typed += " " + argument;
    SCOPED_TRACE(typed);
    const std::string prefix = "gpushard: error: ";

    const ChildResult text = run_gpushard(arguments);
    EXPECT_EQ(text.exit_code, exit_code) << text.err << "signal " << text.signal;
    EXPECT_EQ(text.out, "");
    const std::string line = first_line(text.err);
    EXPECT_EQ(line.rfind(prefix, 0), 0u) << text.err;
    EXPECT_LT(line.size(), 400u) << line;
    for (const std::string& part : parts) EXPECT_THAT(line, testing::HasSubstr(part));
    for (std::size_t at = text.err.find('\n'); at + 1 < text.err.size(); at = text.err.find('\n', at + 1)) {
        EXPECT_EQ(text.err.compare(at + 1, 2, "  "), 0) << "not a line of what to try: " << text.err.substr(at + 1);
    }

    Arguments with_json = arguments;
    with_json.push_back("--json");
    const ChildResult json_result = run_gpushard(with_json);
    EXPECT_EQ(json_result.exit_code, exit_code);
    EXPECT_EQ(json_result.err.rfind(prefix, 0), 0u) << json_result.err;
    const Json json = Json::parse(json_result.out, nullptr, false);
    ASSERT_TRUE(json.is_object() && json.contains("error")) << json_result.out;
    EXPECT_EQ(json["error"]["kind"], kind_of(exit_code));
    EXPECT_FALSE(json["error"]["message"].get<std::string>().empty());
}

std::string ScenarioFolder::write(const std::string& name, const std::string& bytes) const {
    write_file(folder_ / name, bytes);
    return path(name);
}

std::vector<std::string> ScenarioFolder::files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
        names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string query_npy(const Rows& queries) {
    return npy("<f4", "(" + std::to_string(queries.count) + ", " + std::to_string(queries.dim) + ")", queries.values);
}

std::string query_fvecs(const Rows& queries) {
    std::string bytes;
    for (std::int64_t i = 0; i < queries.count; ++i) {
        put(bytes, queries.dim);
        bytes.append(reinterpret_cast<const char*>(queries.row(i)), static_cast<std::size_t>(queries.dim) * 4);
    }
    return bytes;
}

std::string query_fbin(const Rows& queries) {
    std::string bytes;
    put(bytes, static_cast<std::uint32_t>(queries.count));
    put(bytes, static_cast<std::uint32_t>(queries.dim));
    bytes.append(reinterpret_cast<const char*>(queries.values.data()), queries.values.size() * 4);
    return bytes;
}

Array<std::int64_t> read_ids(const std::filesystem::path& path) { return read_npy<std::int64_t>(path, "<i8"); }

Array<float> read_distances(const std::filesystem::path& path) { return read_npy<float>(path, "<f4"); }

Rows read_vectors(const std::filesystem::path& path) {
    Array<float> array = read_distances(path);
    return {.count = array.rows, .dim = static_cast<std::int32_t>(array.columns), .values = std::move(array.values)};
}

Rows read_index_vectors(const std::filesystem::path& path) {
    const std::unique_ptr<faiss::Index> index(faiss::read_index(path.c_str()));
    Rows rows = {.count = index->ntotal, .dim = index->d, .values = {}};
    rows.values.resize(static_cast<std::size_t>(rows.count) * static_cast<std::size_t>(rows.dim));
    index->reconstruct_n(0, rows.count, rows.values.data());
    return rows;
}

}  // namespace gpushard::test
