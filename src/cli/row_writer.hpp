#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>
#include <stop_token>
#include <string>

#include <gpushard/bytes.hpp>

#include "cli/atomic_file.hpp"
#include "cli/clustered_vectors.hpp"
#include "cli/progress_bar.hpp"

namespace gpushard::cli {

/// A file of float32 rows with something before them.
struct RowFile {
    std::string header;
    std::int64_t rows = 0;
    std::int32_t dim = 0;

    Bytes row_bytes() const { return static_cast<Bytes>(dim) * sizeof(float); }
    /// Throws std::overflow_error.
    Bytes bytes() const { return checked_add(header.size(), checked_multiply(static_cast<Bytes>(rows), row_bytes())); }
};

/// Fills files with vectors, one after another, on several threads, in blocks: memory does not depend on the size.
class RowWriter {
public:
    /// `total` is the size of all files together, for the progress bar. `vectors` must outlive this.
    RowWriter(const ClusteredVectors& vectors, unsigned threads, std::stop_token stop, Bytes total, bool quiet);

    /// Throws BadFile when the file cannot be written and Cancelled when a stop was requested.
    void write(ClusteredVectors::Stream stream, const RowFile& rows, AtomicFile& file);

private:
    void write_blocks(ClusteredVectors::Stream stream, const RowFile& rows, std::int64_t block_rows,
                      std::atomic<std::int64_t>& next_row, const AtomicFile& file);
    void keep_failure();
    void show_progress(Bytes more);

    const ClusteredVectors& vectors_;
    unsigned threads_;
    std::stop_token stop_;
    Bytes total_;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();

    std::atomic<bool> failed_{false};
    std::mutex mutex_;  // guards what follows
    std::exception_ptr failure_;
    ProgressBar bar_;
    Bytes written_ = 0;
    std::chrono::steady_clock::time_point drawn_{};
};

}  // namespace gpushard::cli
