#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace gpushard::test {

/// How a child ended and what it said.
struct ChildResult {
    int exit_code = -1;  ///< -1 when a signal ended it
    int signal = 0;
    bool was_stopped = false;  ///< it ran beyond ChildSetup::patience, and was sent SIGTERM
    bool hung = false;         ///< nor had that ended it in a minute, and it was killed
    std::string out;
    std::string err;
};

struct ChildSetup {
    std::string stdin_path = {};                            ///< where stdin comes from; empty: nothing is in it
    std::string stdout_path = {};                           ///< where stdout goes instead of ChildResult::out
    std::string stderr_path = {};                           ///< where stderr goes instead of ChildResult::err
    bool nobody_reads_stdout = false;                       ///< a pipe whose reader has gone
    std::vector<int> closed = {};                           ///< descriptors the child begins without
    std::vector<int> ignored_signals = {};                  ///< as by nohup
    std::vector<std::string> environment = {};              ///< NAME=VALUE, added to that of the test
    std::optional<std::uint64_t> largest_file_bytes = {};   ///< RLIMIT_FSIZE
    std::optional<std::uint64_t> largest_data_bytes = {};   ///< RLIMIT_DATA
    std::optional<std::uint64_t> address_space_bytes = {};  ///< RLIMIT_AS
    std::optional<std::uint64_t> processes = {};            ///< RLIMIT_NPROC, which root is not held to
    std::optional<unsigned> user = {};                      ///< becomes it and its group; for root only
    unsigned seconds = 0;                                   ///< SIGALRM ends it after so long; 0: never
    std::string folder = {};                                ///< the working directory; empty: this process's
    std::optional<std::chrono::seconds> patience = {};      ///< how long it may run; unlimited if absent
    /// Called with everything on stderr so far and the child's id whenever more of it has come.
    std::function<void(const std::string& err, pid_t child)> on_stderr = {};
};

/// Runs a program, without a shell, and waits for its end.
ChildResult run_child(const std::vector<std::string>& command, const ChildSetup& setup = {});

}  // namespace gpushard::test
