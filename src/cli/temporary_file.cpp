#include "cli/temporary_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <mutex>
#include <set>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <climits>

namespace gpushard::cli {
namespace {

constexpr std::string_view infix = ".partial-";
constexpr std::size_t random_digits = 16;

[[noreturn]] void throw_error(int error) { throw std::system_error(error, std::generic_category()); }

/// What the temporary names of a target begin with. A long name is cut, so that they are no longer than names may be;
/// targets that then share their beginning look after each other's leftovers.
std::string prefix_of(std::string_view target) {
    return std::string(target.substr(0, NAME_MAX - infix.size() - random_digits)).append(infix);
}

std::string random_name(std::string_view target) {
    std::uint64_t random = 0;
    if (::getrandom(&random, sizeof random, 0) != static_cast<ssize_t>(sizeof random)) throw_error(errno);
    char digits[random_digits + 1];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(random));
    return prefix_of(target) + digits;
}

/// What there is to remove when a signal ends the process.
struct Registry {
    std::mutex mutex;
    std::set<std::pair<int, std::string>> files;
};

Registry& registry() {
    static Registry files;
    return files;
}

bool is_named(int folder, const std::string& name, int descriptor) {
    struct stat named = {};
    struct stat opened = {};
    return ::fstatat(folder, name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 && ::fstat(descriptor, &opened) == 0 &&
           named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

/// Who holds the lock may remove the file: a random name is never that of another file later.
void remove_if_unowned(int folder, const char* name) {
    const int descriptor = ::openat(folder, name, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0) return;
    struct stat status = {};
    const bool is_file = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
    if (is_file && ::flock(descriptor, LOCK_EX | LOCK_NB) == 0) ::unlinkat(folder, name, 0);
    ::close(descriptor);
}

}  // namespace

TemporaryFile::TemporaryFile(int folder, std::string target, mode_t mode)
    : folder_(folder), target_(std::move(target)) {
    constexpr int most_attempts = 100;
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        if (create(mode)) return;
    }
    throw_error(EEXIST);
}

TemporaryFile::~TemporaryFile() {
    if (!name_.empty()) ::unlinkat(folder_, name_.c_str(), 0);
    ::close(descriptor_);
    forget();
}

/// False when the name was taken, or when somebody who looked for leftovers took the file for one.
bool TemporaryFile::create(mode_t mode) {
    name_ = random_name(target_);
    {
        const std::lock_guard lock(registry().mutex);
        registry().files.emplace(folder_, name_);
    }
    descriptor_ = ::openat(folder_, name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    const int error = descriptor_ < 0 ? errno : 0;
    if (error == 0 && own()) return true;
    if (error == 0) {
        ::unlinkat(folder_, name_.c_str(), 0);
        ::close(std::exchange(descriptor_, -1));
    }
    forget();
    if (error != 0 && error != EEXIST) throw_error(error);
    return false;
}

/// Where a file system has no locks nobody can take this one either, so leftovers stay there.
bool TemporaryFile::own() const {
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
    return is_named(folder_, name_, descriptor_);
}

void TemporaryFile::forget() {
    const std::lock_guard lock(registry().mutex);
    registry().files.erase({folder_, name_});
    name_.clear();
}

void TemporaryFile::become_target(bool may_replace) {
    const char* const from = name_.c_str();
    const char* const to = target_.c_str();
    if (may_replace) {
        if (::renameat(folder_, from, folder_, to) != 0) throw_error(errno);
    } else if (::renameat2(folder_, from, folder_, to, RENAME_NOREPLACE) != 0) {
        // Some file systems cannot do both in one step.
        if (errno != EINVAL && errno != ENOSYS) throw_error(errno);
        if (::faccessat(folder_, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0) throw_error(EEXIST);
        if (::renameat(folder_, from, folder_, to) != 0) throw_error(errno);
    }
    forget();
}

bool is_temporary_name(std::string_view name, std::string_view target) {
    const std::string prefix = prefix_of(target);
    if (name.size() != prefix.size() + random_digits || name.substr(0, prefix.size()) != prefix) return false;
    return name.find_first_not_of("0123456789abcdef", prefix.size()) == std::string_view::npos;
}

void remove_leftovers(int folder, std::string_view target) {
    const int listed = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (listed < 0) return;
    DIR* const entries = ::fdopendir(listed);
    if (entries == nullptr) {
        ::close(listed);
        return;
    }
    while (const dirent* const entry = ::readdir(entries)) {
        if (is_temporary_name(entry->d_name, target)) remove_if_unowned(folder, entry->d_name);
    }
    ::closedir(entries);
}

void remove_temporary_files() {
    // The lock is kept: whoever would make another waits for the end.
    registry().mutex.lock();
    for (const auto& [folder, name] : registry().files) ::unlinkat(folder, name.c_str(), 0);
}

}  // namespace gpushard::cli
