#include "log/faiss_call.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <mutex>
#include <unistd.h>

#include <gpushard/abort_report.hpp>

namespace gpushard {
namespace {

thread_local const FaissCall* innermost_call = nullptr;

/// A line put together without allocating, which a signal handler may not do.
class ShortLine {
public:
    void add(const char* text, std::size_t size) {
        const std::size_t taken = std::min(size, text_.size() - size_);
        std::memcpy(text_.data() + size_, text, taken);
        size_ += taken;
    }
    void add(const char* text) { add(text, std::strlen(text)); }

    /// In one piece, so that lines of other threads do not run into it.
    void write_to_stderr() const {
        if (::write(STDERR_FILENO, text_.data(), size_) < 0) return;  // nobody is left to tell
    }

private:
    std::array<char, 512> text_{};
    std::size_t size_ = 0;
};

std::atomic_flag is_reported = ATOMIC_FLAG_INIT;

void report_abort(int signal) {
    // The first thread reports and ends the process; others, whose cards failed at the same moment, wait for that.
    while (is_reported.test_and_set()) ::pause();
    if (const FaissCall* const call = FaissCall::current()) {
        ShortLine line;
        line.add("gpushard: aborted: ");
        line.add(call->device().data(), call->device().size());
        line.add(": Faiss called abort() in ");
        line.add(call->call());
        line.add("; its own lines above name the CUDA call\n");
        line.write_to_stderr();
    }
    std::signal(signal, SIG_DFL);
    ::raise(signal);
}

}  // namespace

FaissCall::FaissCall(const std::string& device, const char* call) noexcept
    : device_(device), call_(call), outer_(innermost_call) {
    innermost_call = this;
}

FaissCall::~FaissCall() { innermost_call = outer_; }

const FaissCall* FaissCall::current() noexcept { return innermost_call; }

void install_abort_report() {
    static std::once_flag once;
    std::call_once(once, [] { std::signal(SIGABRT, report_abort); });
}

}  // namespace gpushard
