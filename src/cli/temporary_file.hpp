#pragma once

#include <string>
#include <string_view>
#include <sys/types.h>

namespace gpushard::cli {

/// A file under a random name beside the one it will become. Its owner holds a lock on it as long as it lives, so what
/// an owner that was killed leaves behind can be told, and removed, by whoever writes the same target next.
class TemporaryFile {
public:
    /// Creates it in `folder`, a descriptor that must outlive this, for a target of the name `target`. The umask is
    /// applied to `mode`. Throws std::system_error.
    TemporaryFile(int folder, std::string target, mode_t mode);
    /// Removes it, unless it has become its target.
    ~TemporaryFile();
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    int descriptor() const { return descriptor_; }

    /// Renames it. Throws std::system_error; EEXIST where the target exists and may not be replaced.
    void become_target(bool may_replace);

private:
    bool create(mode_t mode);
    bool own() const;
    void forget();

    int folder_;
    std::string target_;
    std::string name_;  ///< empty once nothing of that name is to be removed any more
    int descriptor_ = -1;
};

/// Whether `name` is one that a TemporaryFile for `target` may have had.
bool is_temporary_name(std::string_view name, std::string_view target);

/// Removes from `folder` the temporary files for `target` whose owner has gone. What cannot be removed stays.
void remove_leftovers(int folder, std::string_view target);

/// Removes every temporary file of this process, which must end without writing more.
void remove_temporary_files();

}  // namespace gpushard::cli
