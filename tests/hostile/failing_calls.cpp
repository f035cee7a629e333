// Put in front of the C library (LD_PRELOAD): counts calls, and on the k-th of a kind lets it fail, or raises a signal
// just before it. By the environment:
//
//     FAILING_CALL=KIND:K         the k-th call of that kind fails (from 1)
//     SIGNAL_AT=KIND:K:SIGNAL     the process gets the signal before the k-th call of that kind; KIND may be `other`,
//     which
//                                 is all but malloc
//     CALLS_REPORT=FILE           lines: "failed KIND at FRAME < FRAME ...", and at the end of main "calls KIND COUNT"
//     WRITES_REPORT=FILE          a line for each path that is opened for writing, renamed to, linked or removed
//
// Counted is what the program and its libraries call between the beginning and the end of main. What the C library
// calls of its own functions (the read of an ifstream's buffer is seen, that of getline(FILE*) is not) cannot be put in
// front of.

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* old, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace {

enum Kind { allocate, map, thread, open_file, read_file, write_file, sync_file, rename_file, close_file, kinds };
constexpr std::array<const char*, kinds> names = {"malloc", "mmap",  "pthread_create", "open", "read",
                                                  "write",  "fsync", "rename",         "close"};
constexpr int other = kinds;  // all but allocate
constexpr int none = -1;

struct Moment {
    int kind = none;
    long k = 0;
    int signal = 0;
};

std::atomic<bool> counting{false};
std::array<std::atomic<long>, kinds + 1> counts{};
Moment failure;
Moment interruption;
int calls_report = -1;
int writes_report = -1;
// What reports a call calls itself.
// In the static block, which is there before anything is allocated.
thread_local bool is_reporting __attribute__((tls_model("initial-exec"))) = false;

template <typename Function>
Function real(const char* name) {
    return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

// A line of a report, by the system call itself, so that it is not counted.
void say(int report, const char* text, std::size_t size) {
    if (report >= 0) syscall(SYS_write, report, text, size);
}

// "module+offset (symbol)" of what led to the call that fails.
void describe_frames(char* line, std::size_t room, std::size_t used) {
    void* frames[24];
    const int depth = backtrace(frames, 24);
    const char* between = "";
    for (int i = 0; i < depth && used + 200 < room; ++i) {
        Dl_info from = {};
        if (dladdr(frames[i], &from) == 0 || from.dli_fname == nullptr) continue;
        if (std::strstr(from.dli_fname, "failing_calls") != nullptr) continue;
        const char* const slash = std::strrchr(from.dli_fname, '/');
        const auto offset = static_cast<char*>(frames[i]) - static_cast<char*>(from.dli_fbase);
        used += static_cast<std::size_t>(std::snprintf(line + used, room - used, "%s%.40s+%#tx(%.80s)", between,
                                                       slash == nullptr ? from.dli_fname : slash + 1, offset,
                                                       from.dli_sname == nullptr ? "" : from.dli_sname));
        between = " < ";
    }
    line[used] = '\n';
    say(calls_report, line, used + 1);
}

void report_failure(Kind kind) {
    if (calls_report < 0) return;
    is_reporting = true;
    static char line[8192];
    const int used = std::snprintf(line, sizeof line, "failed %s at ", names[kind]);
    describe_frames(line, sizeof line, static_cast<std::size_t>(used));
    is_reporting = false;
}

bool is_the_moment(const Moment& moment, Kind kind, long of_kind, long of_others) {
    return (moment.kind == kind && of_kind == moment.k) || (moment.kind == other && of_others == moment.k);
}

// Counts a call, and says whether it has to fail.
bool fails(Kind kind) {
    if (!counting.load(std::memory_order_relaxed) || is_reporting) return false;
    const long of_kind = ++counts[kind];
    const long of_others = kind == allocate ? 0 : ++counts[other];
    if (is_the_moment(interruption, kind, of_kind, of_others)) kill(getpid(), interruption.signal);
    if (!is_the_moment(failure, kind, of_kind, of_others)) return false;
    report_failure(kind);
    return true;
}

template <typename Result>
Result failed(int error, Result result) {
    errno = error;
    return result;
}

// A relative path is one from the folder that was named.
void report_write(int folder, const char* path) {
    if (writes_report < 0 || path == nullptr) return;
    char line[8300];
    char from[4096] = "";
    if (path[0] != '/') {
        char link[64] = "/proc/self/cwd";
        if (folder != AT_FDCWD) std::snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        if (readlink(link, from, sizeof from - 2) > 0) std::strcat(from, "/");
    }
    const int used = std::snprintf(line, sizeof line, "%s%s\n", from, path);
    say(writes_report, line, static_cast<std::size_t>(used));
}

bool opens_for_writing(int flags) { return (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0; }

int kind_named(const char* text, std::size_t size) {
    if (size == 5 && std::strncmp(text, "other", 5) == 0) return other;
    for (int i = 0; i < kinds; ++i) {
        if (std::strlen(names[i]) == size && std::strncmp(text, names[i], size) == 0) return i;
    }
    std::fprintf(stderr, "failing_calls: unknown kind in %s\n", text);
    std::_Exit(126);
}

Moment moment_of(const char* variable) {
    Moment moment;
    const char* const text = std::getenv(variable);
    if (text == nullptr) return moment;
    const char* const colon = std::strchr(text, ':');
    if (colon == nullptr) return moment;
    moment.kind = kind_named(text, static_cast<std::size_t>(colon - text));
    std::sscanf(colon, ":%ld:%d", &moment.k, &moment.signal);
    return moment;
}

int report_named(const char* variable) {
    const char* const path = std::getenv(variable);
    if (path == nullptr) return -1;
    const auto opened = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    // Out of the way of the low numbers, which the program may care about.
    return static_cast<int>(syscall(SYS_fcntl, static_cast<int>(opened), F_DUPFD_CLOEXEC, 900));
}

using Main = int (*)(int, char**, char**);
Main real_main = nullptr;

int counted_main(int argc, char** argv, char** environment) {
    void* warm[1];
    backtrace(warm, 1);  // it loads a library at its first call
    failure = moment_of("FAILING_CALL");
    interruption = moment_of("SIGNAL_AT");
    calls_report = report_named("CALLS_REPORT");
    writes_report = report_named("WRITES_REPORT");
    counting = true;
    const int code = real_main(argc, argv, environment);
    counting = false;
    for (int i = 0; i <= kinds; ++i) {
        char line[64];
        const int used =
            std::snprintf(line, sizeof line, "calls %s %ld\n", i == other ? "other" : names[i], counts[i].load());
        say(calls_report, line, static_cast<std::size_t>(used));
    }
    return code;
}

}  // namespace

extern "C" {

int __libc_start_main(Main main, int argc, char** argv, void (*init)(), void (*fini)(), void (*rtld_fini)(),
                      void* stack_end) {
    real_main = main;
    return real<int (*)(Main, int, char**, void (*)(), void (*)(), void (*)(), void*)>("__libc_start_main")(
        counted_main, argc, argv, init, fini, rtld_fini, stack_end);
}

void* malloc(std::size_t size) { return fails(allocate) ? failed<void*>(ENOMEM, nullptr) : __libc_malloc(size); }

void* calloc(std::size_t count, std::size_t size) {
    return fails(allocate) ? failed<void*>(ENOMEM, nullptr) : __libc_calloc(count, size);
}

void* realloc(void* old, std::size_t size) {
    return fails(allocate) ? failed<void*>(ENOMEM, nullptr) : __libc_realloc(old, size);
}

void* memalign(std::size_t alignment, std::size_t size) {
    return fails(allocate) ? failed<void*>(ENOMEM, nullptr) : __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }

int posix_memalign(void** result, std::size_t alignment, std::size_t size) {
    void* const memory = memalign(alignment, size);
    if (memory == nullptr) return ENOMEM;
    *result = memory;
    return 0;
}

void* mmap(void* at, std::size_t size, int protection, int flags, int file, off_t offset) {
    if (fails(map)) return failed<void*>(ENOMEM, MAP_FAILED);
    return reinterpret_cast<void*>(syscall(SYS_mmap, at, size, protection, flags, file, offset));
}

void* mmap64(void* at, std::size_t size, int protection, int flags, int file, off_t offset) {
    return mmap(at, size, protection, flags, file, offset);
}

int pthread_create(pthread_t* id, const pthread_attr_t* attributes, void* (*start)(void*), void* argument) {
    if (fails(thread)) return EAGAIN;
    static const auto call = real<decltype(&pthread_create)>("pthread_create");
    return call(id, attributes, start, argument);
}

int openat(int folder, const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const int mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(more, int) : 0;
    va_end(more);
    if (opens_for_writing(flags)) report_write(folder, path);
    if (fails(open_file)) return failed(EMFILE, -1);
    return static_cast<int>(syscall(SYS_openat, folder, path, flags, mode));
}

int open(const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const int mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(more, int) : 0;
    va_end(more);
    return openat(AT_FDCWD, path, flags, mode);
}

int open64(const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const int mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(more, int) : 0;
    va_end(more);
    return openat(AT_FDCWD, path, flags, mode);
}

int openat64(int folder, const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const int mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(more, int) : 0;
    va_end(more);
    return openat(folder, path, flags, mode);
}

std::FILE* fopen(const char* path, const char* mode) {
    if (std::strpbrk(mode, "wa+") != nullptr) report_write(AT_FDCWD, path);
    if (fails(open_file)) return failed<std::FILE*>(EMFILE, nullptr);
    static const auto call = real<decltype(&fopen)>("fopen");
    return call(path, mode);
}

std::FILE* fopen64(const char* path, const char* mode) { return fopen(path, mode); }

ssize_t read(int file, void* to, std::size_t size) {
    return fails(read_file) ? failed<ssize_t>(EIO, -1) : syscall(SYS_read, file, to, size);
}

ssize_t pread(int file, void* to, std::size_t size, off_t offset) {
    return fails(read_file) ? failed<ssize_t>(EIO, -1) : syscall(SYS_pread64, file, to, size, offset);
}

ssize_t pread64(int file, void* to, std::size_t size, off_t offset) { return pread(file, to, size, offset); }

ssize_t readv(int file, const iovec* to, int count) {
    return fails(read_file) ? failed<ssize_t>(EIO, -1) : syscall(SYS_readv, file, to, count);
}

ssize_t write(int file, const void* from, std::size_t size) {
    return fails(write_file) ? failed<ssize_t>(ENOSPC, -1) : syscall(SYS_write, file, from, size);
}

ssize_t pwrite(int file, const void* from, std::size_t size, off_t offset) {
    return fails(write_file) ? failed<ssize_t>(ENOSPC, -1) : syscall(SYS_pwrite64, file, from, size, offset);
}

ssize_t pwrite64(int file, const void* from, std::size_t size, off_t offset) {
    return pwrite(file, from, size, offset);
}

ssize_t writev(int file, const iovec* from, int count) {
    return fails(write_file) ? failed<ssize_t>(ENOSPC, -1) : syscall(SYS_writev, file, from, count);
}

int fsync(int file) { return fails(sync_file) ? failed(EIO, -1) : static_cast<int>(syscall(SYS_fsync, file)); }

int fdatasync(int file) { return fails(sync_file) ? failed(EIO, -1) : static_cast<int>(syscall(SYS_fdatasync, file)); }

int rename(const char* from, const char* to) {
    report_write(AT_FDCWD, to);
    return fails(rename_file) ? failed(EIO, -1) : static_cast<int>(syscall(SYS_rename, from, to));
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
    report_write(to_folder, to);
    if (fails(rename_file)) return failed(EIO, -1);
    return static_cast<int>(syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}

int renameat(int from_folder, const char* from, int to_folder, const char* to) {
    return renameat2(from_folder, from, to_folder, to, 0);
}

int link(const char* from, const char* to) {
    report_write(AT_FDCWD, to);
    return fails(rename_file) ? failed(EIO, -1) : static_cast<int>(syscall(SYS_link, from, to));
}

int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) {
    report_write(to_folder, to);
    if (fails(rename_file)) return failed(EIO, -1);
    return static_cast<int>(syscall(SYS_linkat, from_folder, from, to_folder, to, flags));
}

int unlink(const char* path) {
    report_write(AT_FDCWD, path);
    return static_cast<int>(syscall(SYS_unlink, path));
}

int unlinkat(int folder, const char* path, int flags) {
    report_write(folder, path);
    return static_cast<int>(syscall(SYS_unlinkat, folder, path, flags));
}

// The file is closed all the same, as the kernel does it.
int close(int file) {
    const bool does_fail = fails(close_file);
    const int result = static_cast<int>(syscall(SYS_close, file));
    return does_fail ? failed(EIO, -1) : result;
}

}  // extern "C"
