#include <csignal>

#include <gpushard/abort_report.hpp>

#include "cli/command_line.hpp"

int main(int argc, char** argv) {
    // Writing to a pipe nobody reads, or beyond the largest file allowed, then fails as any write does, and temporary
    // files are removed on the way out.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    gpushard::install_abort_report();
    return gpushard::cli::run(argc, argv);
}
