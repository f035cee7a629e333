#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "scenario/scenario.hpp"

namespace gpushard::test {

/// All that a command could change about a file, but when it was last read.
struct FileFacts {
    unsigned device = 0;
    unsigned long inode = 0;
    unsigned mode = 0;
    unsigned long links = 0;
    long modified_ns = 0;
    long changed_ns = 0;
    std::string content;  ///< of a link, where it leads

    bool operator==(const FileFacts& other) const = default;
};

/// The files of a folder and of those in it, by their path from there. Links are not followed.
std::map<std::string, FileFacts> facts_of(const std::filesystem::path& folder);

/// What is different in `after`: a line for each file; empty if nothing is.
std::vector<std::string> differences(const std::map<std::string, FileFacts>& before,
                                     const std::map<std::string, FileFacts>& after);

/// A folder with one of everything that the commands read, some of it damaged, and of what they may have written
/// before.
class Sandbox {
public:
    Sandbox();

    const std::filesystem::path& path() const { return folder_.path(); }
    std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

    /// Files to be read, and other names for them.
    static const std::vector<std::string>& inputs();

    /// Those that `search` replaces when it is told to write there: arrays as it writes them, and the empty file.
    static const std::vector<std::string>& replaced_by_search();

    /// Files that may be written over.
    static const std::vector<std::string>& old_outputs();

    /// Whether something that leads to the same file as `name` is among `names`.
    bool is_one_of(const std::string& name, const std::vector<std::string>& names) const;

private:
    void put(const std::string& name, const std::string& bytes) const { write_file(folder_ / name, bytes); }
    void put_indexes() const;
    void put_queries() const;
    void put_texts() const;
    void put_other_names() const;
    void put_old_outputs() const;

    TempDir folder_;
};

}  // namespace gpushard::test
