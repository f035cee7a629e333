#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gpushard/byte_source.hpp>

/// Files that people hand over and that are no Faiss index: what they are, and what to do with them.
namespace gpushard {

struct ForeignFile {
    std::string kind;                ///< for programs: "git_lfs_pointer", "numpy_array", "gzip", "hnswlib", ...
    std::string what;                ///< after "is": "a Git LFS pointer to a file of 64559075373 bytes"
    std::vector<std::string> hints;  ///< what to do, most useful first
    bool is_guess = false;           ///< of a format that nothing marks
};

/// The beginning and the end of a file, from which it is told what it is.
struct FileGlimpse {
    const ByteSource& source;
    std::string name;  ///< its path
    Bytes size = 0;
    std::string head;  ///< at most glimpse_bytes
    std::string tail;  ///< the same

    /// `count` bytes at `offset`; fewer where the file ends.
    std::string read(Bytes offset, Bytes count) const;
};
inline constexpr Bytes glimpse_bytes = 4096;

FileGlimpse glimpse(const ByteSource& source);

/// What a file that begins with no type code of Faiss is; nothing where it is like nothing known. Reads its first and
/// last 4 KiB and a few bytes between.
std::optional<ForeignFile> recognise_foreign_file(const ByteSource& source);

/// The steps of it, in the order in which they are tried.
std::optional<ForeignFile> recognise_by_signature(const FileGlimpse& file);
std::optional<ForeignFile> recognise_text(const FileGlimpse& file);
std::optional<ForeignFile> recognise_vectors(const FileGlimpse& file);
std::optional<ForeignFile> guess_by_name(const FileGlimpse& file);

/// "look for an index beside it: gpushard inspect FOLDER", with the folder of the file.
std::string look_beside(const std::string& path);

/// The path without an ending that `ending` names ("big.index" of "big.index.gz"), with ".out" where it has none.
std::string output_name(const std::string& path, std::string_view ending);

/// `Index type 0x73726576 ("vers") not recognized`: a type code as Faiss prints it.
std::string as_faiss_prints(std::string_view fourcc);

/// What lies in a folder that was named where a file was expected: the Faiss indexes in it and in the folders in it, as
/// lines that can be pasted, or what the files named like one are. Looks at 1,000 entries, and at 4 KiB of a file.
struct FolderFindings {
    std::string summary;             ///< after "is a folder": ", with 1 index in it: ..."
    std::vector<std::string> hints;  ///< "IndexFlatL2 of 1.500 MiB: gpushard inspect faiss_index/index.faiss"
};
FolderFindings look_into_folder(const std::filesystem::path& folder);

}  // namespace gpushard
