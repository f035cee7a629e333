#include "log/faiss_call.hpp"

#include <csignal>
#include <cstring>
#include <mutex>
#include <unistd.h>

#include <gpushard/abort_report.hpp>

namespace gpushard {
namespace {

thread_local const FaissCall* innermost_call = nullptr;

/// Only what a signal handler may call.
void write_text(const char* text, std::size_t size) {
    while (size > 0) {
        const auto written = ::write(STDERR_FILENO, text, size);
        if (written <= 0) return;
        text += written;
        size -= static_cast<std::size_t>(written);
    }
}

void write_text(const char* text) { write_text(text, std::strlen(text)); }

void report_abort(int signal) {
    if (const FaissCall* const call = FaissCall::current()) {
        write_text("gpushard: aborted: ");
        write_text(call->device().data(), call->device().size());
        write_text(": Faiss called abort() in ");
        write_text(call->call());
        write_text("; its own lines above name the CUDA call\n");
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
