#pragma once

#include <string>

#include <gpushard/bytes.hpp>

namespace gpushard::cli {

/// Progress on stderr: one line drawn again and again on a terminal, a line about every tenth elsewhere, nothing when
/// quiet. One thread at a time.
class ProgressBar {
public:
    ProgressBar(std::string what, bool quiet);

    /// Ends the line that is being drawn.
    ~ProgressBar();
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    void update(Bytes done, Bytes total, double bytes_per_second, double seconds_left);

private:
    std::string what_;
    bool quiet_;
    bool terminal_;
    bool drawn_ = false;
    int last_tenth_ = 0;
};

}  // namespace gpushard::cli
