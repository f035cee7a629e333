#include "cli/search_answers.hpp"

#include <charconv>
#include <cstdio>
#include <utility>

#include "cli/atomic_file.hpp"
#include "cli/command_line.hpp"
#include "cli/npy_file.hpp"

namespace gpushard::cli {
namespace {

class ArrayInFile : public AnswerArray {
public:
    explicit ArrayInFile(const std::filesystem::path& path) : file_(path) {}

    void append(const void* values, std::size_t bytes) override { file_.write(values, bytes); }
    void sync() override { file_.sync(); }
    void commit() override { file_.commit(); }

private:
    AtomicFile file_;
};

class ArrayOnStandardOutput : public AnswerArray {
public:
    void append(const void* values, std::size_t bytes) override { print({static_cast<const char*>(values), bytes}); }
    void sync() override {}
    void commit() override {}
};

std::unique_ptr<AnswerArray> start_array(const std::filesystem::path& path, const char* descr, std::int64_t queries,
                                         std::int64_t k) {
    if (path.empty()) return nullptr;
    std::unique_ptr<AnswerArray> array;
    if (path == standard_stream) {
        array = std::make_unique<ArrayOnStandardOutput>();
    } else {
        array = std::make_unique<ArrayInFile>(path);
    }
    const std::string header = npy_header(descr, queries, k);
    array->append(header.data(), header.size());
    return array;
}

template <typename Value>
void append(AnswerArray* array, const std::vector<Value>& values) {
    if (array != nullptr) array->append(values.data(), values.size() * sizeof(Value));
}

/// The double that prints as the shortest text of `value` does.
double shortest(float value) {
    char text[32];
    const auto printed = std::to_chars(std::begin(text), std::end(text), value);
    double same_digits = 0;
    std::from_chars(text, printed.ptr, same_digits);
    return same_digits;
}

struct JsonRow {
    nlohmann::ordered_json ids = nlohmann::ordered_json::array();
    nlohmann::ordered_json distances = nlohmann::ordered_json::array();
};

/// The answers to query i of a batch; a missing one is -1 with the distance null.
JsonRow json_row(const SearchResult& batch, std::int64_t i) {
    JsonRow row;
    for (auto at = static_cast<std::size_t>(i * batch.k); at < static_cast<std::size_t>((i + 1) * batch.k); ++at) {
        row.ids.push_back(batch.ids[at]);
        row.distances.push_back(batch.ids[at] < 0 ? nlohmann::ordered_json()
                                                  : nlohmann::ordered_json(shortest(batch.distances[at])));
    }
    return row;
}

void print_line(std::int64_t query, JsonRow row) {
    const nlohmann::ordered_json line = {
        {"query", query}, {"ids", std::move(row.ids)}, {"distances", std::move(row.distances)}};
    print(line.dump() + "\n");
}

}  // namespace

bool names_file(const std::filesystem::path& path) { return !path.empty() && path != standard_stream; }

bool AnswerRequest::take_standard_output() const {
    return json_lines || ids == standard_stream || distances == standard_stream;
}

AnswerWriter::AnswerWriter(const AnswerRequest& request, std::int64_t queries, std::int64_t k, bool collect_json)
    : ids_(start_array(request.ids, id_type, queries, k)),
      distances_(start_array(request.distances, distance_type, queries, k)),
      json_lines_(request.json_lines),
      collect_json_(collect_json) {}

void AnswerWriter::add(SearchResult&& batch) {
    append(ids_.get(), batch.ids);
    append(distances_.get(), batch.distances);
    for (std::int64_t i = 0; i < batch.nq && (json_lines_ || collect_json_); ++i) {
        JsonRow row = json_row(batch, i);
        if (json_lines_) {
            print_line(written_ + i, std::move(row));
        } else {
            id_rows_.push_back(std::move(row.ids));
            distance_rows_.push_back(std::move(row.distances));
        }
    }
    written_ += batch.nq;
    if (json_lines_) std::fflush(stdout);
    if (first_.nq == 0) first_ = std::move(batch);
}

void AnswerWriter::commit() {
    if (ids_) ids_->sync();
    if (distances_) distances_->sync();
    if (ids_) ids_->commit();
    if (distances_) distances_->commit();
}

nlohmann::ordered_json AnswerWriter::take_json() {
    return {{"ids", std::move(id_rows_)}, {"distances", std::move(distance_rows_)}};
}

}  // namespace gpushard::cli
