#include <csignal>
#include <fcntl.h>
#include <unistd.h>

#include <gpushard/abort_report.hpp>

#include "cli/command_line.hpp"

namespace {

/// A descriptor that was closed when the process began would be the number of the next file that is opened, and what is
/// printed would go there.
bool open_standard_descriptors() {
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(descriptor, F_GETFD) >= 0) continue;
        if (::open("/dev/null", O_RDWR) != descriptor) return false;  // the lowest that is free
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    if (!open_standard_descriptors()) return gpushard::cli::exit_failure;
    // Writing to a pipe nobody reads, or beyond the largest file allowed, then fails as any write does, and temporary
    // files are removed on the way out.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    gpushard::install_abort_report();
    return gpushard::cli::run(argc, argv);
}
