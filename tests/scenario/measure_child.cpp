// measure_child REPORT PROGRAM [ARGUMENT...]: runs the program and writes "SECONDS KIBIBYTES" to the file REPORT: how
// long it took and its largest resident set. A process of its own, because a child is charged with the memory of the
// process it was forked from.

#include <chrono>
#include <cstdio>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv) {
    if (argc < 3) return 126;
    const auto begin = std::chrono::steady_clock::now();
    const pid_t child = ::fork();
    if (child == 0) {
        ::execv(argv[2], argv + 2);
        ::_exit(127);
    }
    int status = 0;
    rusage usage = {};
    if (child < 0 || ::wait4(child, &status, 0, &usage) != child || !WIFEXITED(status)) return 126;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    std::FILE* report = std::fopen(argv[1], "w");
    if (report == nullptr) return 126;
    std::fprintf(report, "%.6f %ld\n", seconds.count(), usage.ru_maxrss);
    return std::fclose(report) == 0 ? WEXITSTATUS(status) : 126;
}
