#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace gpushard::cli {

/// What may lie under the name of an output and be replaced by it.
struct Replaceable {
    bool anything = false;        ///< --force was typed
    std::string_view array = {};  ///< two-dimensional NumPy arrays of this type, and empty files; empty: nothing
};

/// The files a command reads and those it writes, told before it opens any of them. No output may be an input or
/// another output: files are compared by what they are on the disk, whatever they are called. Standard output and error
/// are outputs of every command. Every function throws InvalidArgument.
class FileRoles {
public:
    FileRoles();

    /// `role` is what messages call it: "--queries". Files that do not exist are allowed: who opens them says so.
    void reads(const std::string& role, const std::filesystem::path& path);
    void reads(const std::string& role, const std::vector<std::filesystem::path>& paths);
    void reads_standard_input();

    /// Also refuses a file that exists and may not be replaced.
    void writes(const std::string& role, const std::filesystem::path& path, const Replaceable& replaceable);

private:
    /// Of a file, by device and inode; of one that does not exist, by those of its folder and its name.
    struct Identity {
        using Inode = std::pair<dev_t, ino_t>;
        std::optional<Inode> file;
        std::optional<Inode> folder;
        std::string name;

        bool operator==(const Identity& other) const;
    };
    struct File {
        std::string role;
        std::string path;
        Identity identity;
        int descriptor = -1;  ///< of a file that was open before the command began
    };

    static Identity identify(const std::filesystem::path& path);
    static std::optional<File> opened(const std::string& role, int descriptor);
    void add_input(File input);
    void check(const File& input, const File& output) const;
    void silence(const File& input) const;

    std::vector<File> inputs_;
    std::vector<File> outputs_;
};

}  // namespace gpushard::cli
