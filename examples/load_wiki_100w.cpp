// Loads the index that FlashRAG serves Wikipedia from, prints the plan, the load and its timings, and searches it:
//
//     load_wiki_100w path/to/e5_Flat.index [DEVICES [PRECISION]]
//
// Without a path it says where the file can be had, and does the same with a thousandth of it, made on the spot.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>
#include <unistd.h>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/index_io.h>

#include <gpushard/gpushard.hpp>

#include "checks.hpp"

namespace {

constexpr const char* where_to_get_it =
    "No index given. FlashRAG's README (https://github.com/RUC-NLPIR/FlashRAG, section Index) links it: the "
    "ModelScope\n"
    "data set hhjinjiajie/FlashRAG_Dataset, file retrieval_corpus/wiki18_100w_e5_index.zip, which holds "
    "e5_Flat.index:\n"
    "21,015,324 vectors of 768 float32, inner product, 64.56 GB.\n"
    "Until then: 21,015 random unit vectors of 768, on four devices of 28 MiB each.\n\n";

/// A file that is removed again.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::string& name)
        : path_(std::filesystem::temp_directory_path() / (std::to_string(getpid()) + "_" + name)) {}
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }

    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

void write_stand_in(const std::filesystem::path& path) {
    constexpr int dim = 768;
    constexpr int count = 21'015;
    std::mt19937 random(1);
    std::normal_distribution<float> coordinate;
    faiss::IndexFlatIP index(dim);
    std::vector<float> row(dim);
    for (int i = 0; i < count; ++i) {
        float squares = 0;
        for (float& value : row) {
            value = coordinate(random);
            squares += value * value;
        }
        for (float& value : row) value /= std::sqrt(squares);
        index.add(1, row.data());
    }
    faiss::write_index(&index, path.c_str());
}

void show_progress(const gpushard::LoadProgress& progress) {
    std::cerr << "\rloading: " << gpushard::format_bytes(progress.loaded_bytes) << " of "
              << gpushard::format_bytes(progress.total_bytes) << ", " << progress.seconds_left << " s left        ";
    if (progress.loaded_bytes == progress.total_bytes) std::cerr << '\n';
}

std::vector<float> read_row(const gpushard::IndexProfile& profile, std::int64_t row) {
    std::vector<float> values(static_cast<std::size_t>(profile.dim));
    const gpushard::Bytes offset = profile.payload_offset + static_cast<gpushard::Bytes>(row) * profile.row_bytes();
    gpushard::open_file(profile.files.front())->read(offset, values.data(), profile.row_bytes());
    return values;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Searches for rows of the index itself: each must be found.
void search_for_rows(const gpushard::ShardedIndex& index, Checks& checks) {
    const gpushard::IndexProfile& profile = index.plan().index;
    for (const std::int64_t row : {std::int64_t{0}, profile.count / 2, profile.count - 1}) {
        const std::vector<float> query = read_row(profile, row);
        const auto start = std::chrono::steady_clock::now();
        const std::vector<gpushard::Neighbor> answer = index.search(query, 5);
        std::cout << "row " << row << " searched for in " << seconds_since(start) * 1e3 << " ms:";
        bool found = false;
        for (const auto& [id, distance] : answer) {
            std::cout << "  " << id << " (" << distance << ")";
            found = found || id == row;
        }
        std::cout << '\n';
        checks.expect(found, "row " + std::to_string(row) + " is among the answers to itself");
    }
}

void check_promises(const gpushard::ShardedIndex& index, Checks& checks) {
    const gpushard::PlacementPlan& plan = index.plan();
    const std::vector<gpushard::Bytes> peaks = index.peak_bytes();
    for (std::size_t i = 0; i < peaks.size(); ++i) {
        checks.expect(peaks[i] <= plan.devices[i].memory.peak(),
                      plan.devices[i].device.spec + " never held more than planned");
    }
    checks.expect(index.load_report().file_bytes_read < plan.index.bytes + plan.index.bytes / 100,
                  "the file was read once");
    const gpushard::VerifyReport verified = verify(index, 20);
    for (const std::string& failure : verified.failures) std::cout << failure << '\n';
    checks.expect(verified.failures.empty(), "20 random rows are found at their exact distance");
}

int load_and_search(const std::filesystem::path& path, const std::string& devices, const std::string& precision) {
    gpushard::LoadOptions options;
    options.devices = devices;
    options.plan.precision = gpushard::parse_precision(precision);
    options.on_progress = show_progress;

    const auto start = std::chrono::steady_clock::now();
    const gpushard::PlacementPlan plan = gpushard::plan(path, options);
    std::cout << "planned in " << seconds_since(start) * 1e3 << " ms:\n" << to_text(plan) << '\n';
    const gpushard::ShardedIndex index = load(plan, options);
    std::cout << to_text(index.plan(), index.load_report()) << '\n';

    Checks checks;
    search_for_rows(index, checks);
    check_promises(index, checks);
    return checks.exit_code();
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc > 1) return load_and_search(argv[1], argc > 2 ? argv[2] : "", argc > 3 ? argv[3] : "auto");
        std::cout << where_to_get_it;
        const TemporaryFile stand_in("e5_Flat.index");
        write_stand_in(stand_in.path());
        return load_and_search(stand_in.path(), "cpu=28MiB*4", "stored");
    } catch (const gpushard::Error& error) {
        std::cerr << to_text(error) << '\n';
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
    }
    return 1;
}
