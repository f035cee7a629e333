// measure_child REPORT PROGRAM [ARGUMENT...]: runs the program and writes "KIBIBYTES BYTES" to the file REPORT: its
// largest resident set, and what it read with system calls, from all files. A process of its own, because a child is
// charged with the memory of the process it was forked from.

#include <cstdio>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

/// "rchar" of a process that has ended and was not reaped; negative where the kernel does not tell.
long long bytes_read_by(pid_t process) {
    std::FILE* io = std::fopen(("/proc/" + std::to_string(process) + "/io").c_str(), "r");
    if (io == nullptr) return -1;
    long long bytes = -1;
    if (std::fscanf(io, "rchar: %lld", &bytes) != 1) bytes = -1;
    static_cast<void>(std::fclose(io));
    return bytes;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return 126;
    const pid_t child = ::fork();
    if (child == 0) {
        ::execv(argv[2], argv + 2);
        ::_exit(127);
    }
    siginfo_t ended = {};
    if (child < 0 || ::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT) != 0) return 126;
    const long long bytes_read = bytes_read_by(child);
    int status = 0;
    rusage usage = {};
    if (::wait4(child, &status, 0, &usage) != child || !WIFEXITED(status)) return 126;
    std::FILE* report = std::fopen(argv[1], "w");
    if (report == nullptr) return 126;
    std::fprintf(report, "%ld %lld\n", usage.ru_maxrss, bytes_read);
    return std::fclose(report) == 0 ? WEXITSTATUS(status) : 126;
}
