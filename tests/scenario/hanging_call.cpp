// Put in front of the C library (LD_PRELOAD): HANGING_CALL=fsync:2 has the second call of fsync say so on stderr and
// never return.

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <string>
#include <sys/types.h>
#include <unistd.h>

namespace {

constexpr std::size_t large = 32768;

/// How many calls of this name are left until the one that hangs; 0 where none does.
std::atomic<int>& calls_left(const char* name) {
    static const std::string wanted = std::getenv("HANGING_CALL");
    static const std::size_t colon = wanted.find(':');
    static std::atomic<int> left{std::atoi(wanted.c_str() + colon + 1)};
    static std::atomic<int> none{0};
    return wanted.substr(0, colon) == name ? left : none;
}

void hang_if_wanted(const char* name) {
    std::atomic<int>& left = calls_left(name);
    if (left.load() <= 0 || left.fetch_sub(1) != 1) return;
    const std::string line = std::string("hangs in ") + name + "\n";
    if (::write(STDERR_FILENO, line.data(), line.size()) < 0) std::abort();
    for (;;) ::pause();
}

template <typename Function>
Function real(const char* name) {
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t pread(int descriptor, void* buffer, std::size_t count, off_t offset) {
    hang_if_wanted("pread");
    if (count >= large) hang_if_wanted("large_pread");
    return real<decltype(&pread)>("pread")(descriptor, buffer, count, offset);
}

ssize_t pwrite(int descriptor, const void* buffer, std::size_t count, off_t offset) {
    hang_if_wanted("pwrite");
    return real<decltype(&pwrite)>("pwrite")(descriptor, buffer, count, offset);
}

int fsync(int descriptor) {
    hang_if_wanted("fsync");
    return real<decltype(&fsync)>("fsync")(descriptor);
}

int renameat(int old_folder, const char* old_name, int new_folder, const char* new_name) noexcept {
    hang_if_wanted("renameat");
    return real<decltype(&renameat)>("renameat")(old_folder, old_name, new_folder, new_name);
}

int renameat2(int old_folder, const char* old_name, int new_folder, const char* new_name, unsigned flags) noexcept {
    hang_if_wanted("renameat2");
    return real<decltype(&renameat2)>("renameat2")(old_folder, old_name, new_folder, new_name, flags);
}
}
