#include <algorithm>
#include <fstream>
#include <tuple>

#include <gpushard/error.hpp>
#include <gpushard/printable_text.hpp>

#include "index/foreign_file.hpp"
#include "index/type_names.hpp"

namespace gpushard {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_entries = 1000;
constexpr std::size_t most_named = 8;

struct FoundIndex {
    fs::path path;
    std::string type;
    Bytes size = 0;
};

/// Files that tell what wrote a folder.
struct Sign {
    std::string_view name;
    std::string_view what;
};
constexpr Sign signs[] = {{"chroma.sqlite3", "a database of Chroma"}, {"scann_config.pb", "an index of ScaNN"},
                          {"segments.gen", "an index of Lucene"},     {"segments_1", "an index of Lucene"},
                          {"_latest.manifest", "a table of LanceDB"}, {"CURRENT", "a database of RocksDB or LevelDB"}};

std::string type_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    char fourcc[4] = {};
    if (!file.read(fourcc, sizeof fourcc)) return {};
    return std::string(class_name(std::string_view(fourcc, sizeof fourcc)));
}

/// What people, and LangChain, call an index.
bool is_named_like_an_index(const fs::path& path) {
    const std::string ending = path.extension().string();
    return ending == ".faiss" || ending == ".index" || path.filename() == "index";
}

/// The files of a folder and of the folders in it, as far as they can be read.
class Look {
public:
    explicit Look(const fs::path& folder) { visit(folder, true); }

    std::vector<FoundIndex> indexes;
    std::vector<fs::path> named_like_one;
    std::string sign;

private:
    void visit(const fs::path& folder, bool go_deeper) {
        std::vector<fs::path> folders;
        std::error_code error;
        for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
            if (++seen_ > most_entries) return;
            std::error_code unknown;
            if (entry->is_directory(unknown)) {
                folders.push_back(entry->path());
            } else if (entry->is_regular_file(unknown)) {
                look_at(entry->path());
            }
        }
        if (!go_deeper) return;
        std::sort(folders.begin(), folders.end());
        for (const fs::path& deeper : folders) visit(deeper, false);
    }

    void look_at(const fs::path& path) {
        for (const Sign& known : signs) {
            if (path.filename() == known.name) sign = known.what;
        }
        std::error_code unknown;
        if (std::string type = type_of(path); !type.empty()) {
            indexes.push_back({path, std::move(type), fs::file_size(path, unknown)});
        } else if (is_named_like_an_index(path)) {
            named_like_one.push_back(path);
        }
    }

    std::size_t seen_ = 0;
};

std::string description(const FoundIndex& index) { return index.type + " of " + format_bytes(index.size); }

/// index.faiss first, then by name.
void sort_indexes(std::vector<FoundIndex>& indexes) {
    const auto key = [](const FoundIndex& index) {
        return std::make_tuple(index.path.filename() != "index.faiss", index.path);
    };
    std::sort(indexes.begin(), indexes.end(),
              [&](const FoundIndex& a, const FoundIndex& b) { return key(a) < key(b); });
}

FolderFindings of_indexes(const std::vector<FoundIndex>& indexes) {
    FolderFindings findings;
    findings.summary = indexes.size() == 1 ? ", with an index in it: " + indexes.front().path.string()
                                           : ", with " + std::to_string(indexes.size()) + " indexes in it";
    for (std::size_t i = 0; i < std::min(indexes.size(), most_named); ++i) {
        findings.hints.push_back(description(indexes[i]) + ": gpushard inspect " +
                                 shell_quoted(indexes[i].path.string()));
    }
    if (indexes.size() > most_named) {
        findings.hints.push_back("and " + std::to_string(indexes.size() - most_named) + " more");
    }
    return findings;
}

/// A pointer of Git LFS is named index.faiss, too.
FolderFindings of_files_named_like_one(const std::vector<fs::path>& paths) {
    for (const fs::path& path : paths) {
        try {
            const auto foreign = recognise_foreign_file(*open_file(path));
            if (foreign) return {": " + path.string() + " in it is " + foreign->what, foreign->hints};
        } catch (const Error&) {
            // It cannot be read, or is empty.
        }
    }
    return {};
}

}  // namespace

FolderFindings look_into_folder(const fs::path& folder) {
    Look look(folder);
    sort_indexes(look.indexes);
    std::sort(look.named_like_one.begin(), look.named_like_one.end());
    if (!look.indexes.empty()) return of_indexes(look.indexes);
    FolderFindings findings = of_files_named_like_one(look.named_like_one);
    if (!findings.summary.empty()) return findings;
    if (!look.sign.empty()) {
        return {": its files are " + look.sign, {"only what wrote it reads it: build a Faiss index of its vectors"}};
    }
    return {", and no Faiss index was found in it", {}};
}

}  // namespace gpushard
