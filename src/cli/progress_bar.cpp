#include "cli/progress_bar.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <unistd.h>

#include <fmt/core.h>

namespace gpushard::cli {
namespace {

constexpr int bar_width = 24;

/// "4 s", "2 min 05 s", "3 h 20 min".
std::string format_duration(double seconds) {
    const auto whole = static_cast<long long>(std::ceil(std::clamp(seconds, 0.0, 1e9)));
    if (whole < 60) return fmt::format("{} s", whole);
    if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
    return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace

ProgressBar::ProgressBar(std::string what, bool quiet)
    : what_(std::move(what)), quiet_(quiet), terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
    if (drawn_) std::fputc('\n', stderr);
}

void ProgressBar::update(Bytes done, Bytes total, double bytes_per_second, double seconds_left) {
    if (quiet_) return;
    const double part = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 1;
    const int tenth = static_cast<int>(part * 10);
    if (!terminal_ && tenth <= last_tenth_) return;
    last_tenth_ = tenth;

    const std::string facts =
        fmt::format("{:3.0f} %  {} of {}  {}/s  {}", std::floor(part * 100), format_bytes(done), format_bytes(total),
                    format_bytes(static_cast<Bytes>(std::max(0.0, bytes_per_second))),
                    done < total ? format_duration(seconds_left) + " left" : "done");
    if (!terminal_) {
        std::fputs(fmt::format("gpushard: {} {}\n", what_, facts).c_str(), stderr);
        return;
    }
    const int filled = static_cast<int>(part * bar_width);
    const std::string bar = std::string(static_cast<std::size_t>(filled), '#') +
                            std::string(static_cast<std::size_t>(bar_width - filled), '.');
    std::fputs(fmt::format("\r{} [{}] {}\x1b[K", what_, bar, facts).c_str(), stderr);
    std::fflush(stderr);
    drawn_ = true;
}

}  // namespace gpushard::cli
