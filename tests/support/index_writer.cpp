#include "support/index_writer.hpp"

#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>

namespace gpushard::test {
namespace {

template <typename Value>
void append(std::string& bytes, Value value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string type_code(Metric metric) {
    if (metric == Metric::inner_product) return "IxFI";
    return metric == Metric::l2 ? "IxF2" : "IxFl";
}

template <typename Distribution>
Rows random_rows(std::int64_t count, std::int32_t dim, std::uint64_t seed, Distribution distribution) {
    std::mt19937_64 engine(seed);
    Rows rows{.count = count, .dim = dim, .values = std::vector<float>(static_cast<std::size_t>(count * dim))};
    for (float& value : rows.values) value = static_cast<float>(distribution(engine));
    return rows;
}

}  // namespace

Rows whole_number_rows(std::int64_t count, std::int32_t dim, std::uint64_t seed) {
    return random_rows(count, dim, seed, std::uniform_int_distribution<int>(-4, 4));
}

Rows uniform_rows(std::int64_t count, std::int32_t dim, std::uint64_t seed) {
    return random_rows(count, dim, seed, std::uniform_real_distribution<float>(-1, 1));
}

std::string flat_index_header(std::int64_t count, std::int32_t dim, Metric metric, float metric_arg) {
    std::string bytes = type_code(metric);
    append(bytes, dim);
    append(bytes, count);
    append(bytes, std::int64_t{1} << 20);
    append(bytes, std::int64_t{1} << 20);
    append(bytes, std::uint8_t{1});
    append(bytes, static_cast<std::int32_t>(metric));
    if (static_cast<std::int32_t>(metric) > 1) append(bytes, metric_arg);
    append(bytes, static_cast<std::uint64_t>(count) * static_cast<std::uint64_t>(dim));
    return bytes;
}

std::string flat_index(const Rows& rows, Metric metric, float metric_arg) {
    std::string bytes = flat_index_header(rows.count, rows.dim, metric, metric_arg);
    bytes.append(reinterpret_cast<const char*>(rows.values.data()), rows.values.size() * sizeof(float));
    return bytes;
}

void write_file(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + path.string());
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::filesystem::path> write_parts(const std::filesystem::path& folder, const std::string& bytes,
                                               const std::vector<std::size_t>& cuts) {
    std::vector<std::filesystem::path> paths;
    std::size_t begin = 0;
    const auto write_part = [&](std::size_t end) {
        std::string name = "part_a";
        name += static_cast<char>('a' + paths.size());
        write_file(folder / name, bytes.substr(begin, end - begin));
        paths.push_back(folder / name);
        begin = end;
    };
    for (const std::size_t cut : cuts) write_part(cut);
    write_part(bytes.size());
    return paths;
}

}  // namespace gpushard::test
