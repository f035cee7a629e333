#include "cli/row_writer.hpp"

#include <algorithm>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include <gpushard/error.hpp>

namespace gpushard::cli {
namespace {

/// A thread makes and writes about so many bytes at a time.
constexpr Bytes block_bytes = 2_MiB;

}  // namespace

RowWriter::RowWriter(const ClusteredVectors& vectors, unsigned threads, std::stop_token stop, Bytes total, bool quiet)
    : vectors_(vectors), threads_(threads), stop_(std::move(stop)), total_(total), bar_("generating", quiet) {}

void RowWriter::write(ClusteredVectors::Stream stream, const RowFile& rows, AtomicFile& file) {
    file.write(rows.header.data(), rows.header.size());
    show_progress(rows.header.size());
    const std::int64_t block_rows =
        std::max<std::int64_t>(1, static_cast<std::int64_t>(block_bytes / rows.row_bytes()));
    const std::int64_t blocks = rows.rows / block_rows + (rows.rows % block_rows != 0);
    const auto useful = static_cast<unsigned>(std::min<std::int64_t>(threads_, blocks));

    std::atomic<std::int64_t> next_row{0};
    std::vector<std::thread> workers;
    try {
        for (unsigned i = 0; i < useful; ++i) {
            workers.emplace_back([&] {
                try {
                    write_blocks(stream, rows, block_rows, next_row, file);
                } catch (...) {
                    keep_failure();
                }
            });
        }
    } catch (const std::exception& error) {  // of the system, or bad_alloc
        // Fewer threads than asked for do as well.
        if (workers.empty()) throw InsufficientMemory(std::string("no thread can be started: ") + error.what(), 0);
    }
    for (std::thread& worker : workers) worker.join();
    if (failure_) std::rethrow_exception(failure_);
    if (stop_.stop_requested()) throw Cancelled("generating was cancelled");
}

void RowWriter::write_blocks(ClusteredVectors::Stream stream, const RowFile& rows, std::int64_t block_rows,
                             std::atomic<std::int64_t>& next_row, const AtomicFile& file) {
    std::vector<float> values(static_cast<std::size_t>(block_rows) * static_cast<std::size_t>(rows.dim));
    while (!failed_ && !stop_.stop_requested()) {
        const std::int64_t first = next_row.fetch_add(block_rows);
        if (first >= rows.rows) return;
        const std::int64_t count = std::min(block_rows, rows.rows - first);
        vectors_.fill(stream, first, count, values.data());
        const Bytes size = static_cast<Bytes>(count) * rows.row_bytes();
        file.write_at(rows.header.size() + static_cast<Bytes>(first) * rows.row_bytes(), values.data(), size);
        show_progress(size);
    }
}

void RowWriter::keep_failure() {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
    failed_ = true;
}

void RowWriter::show_progress(Bytes more) {
    const std::lock_guard lock(mutex_);
    written_ += more;
    const auto now = std::chrono::steady_clock::now();
    if (now - drawn_ < std::chrono::milliseconds(100) && written_ < total_) return;
    drawn_ = now;
    const double seconds = std::chrono::duration<double>(now - begin_).count();
    const double rate = seconds > 0 ? static_cast<double>(written_) / seconds : 0;
    const Bytes left = total_ - std::min(total_, written_);
    bar_.update(written_, total_, rate, rate > 0 ? static_cast<double>(left) / rate : 0);
}

}  // namespace gpushard::cli
