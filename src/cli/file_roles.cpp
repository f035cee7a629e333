#include "cli/file_roles.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gpushard/error.hpp>

#include "cli/atomic_file.hpp"
#include "cli/npy_file.hpp"

namespace gpushard::cli {
namespace {

namespace fs = std::filesystem;

/// An output that would take the place of a file it may not replace.
void check_replaceable(const std::string& role, const fs::path& path, const Replaceable& replaceable) {
    std::error_code failed;
    const bool is_file = fs::is_regular_file(path, failed);
    if (!is_file || replaceable.anything) return;  // who opens it refuses what is no file
    if (!replaceable.array.empty() && (fs::is_empty(path, failed) || is_array(path, replaceable.array))) return;
    const std::string expected = replaceable.array.empty() ? "expected a new name"
                                                           : "and is no array of '" + std::string(replaceable.array) +
                                                                 "' as " + role + " writes, expected a new name";
    throw InvalidArgument(path.string() + ": exists already" + (replaceable.array.empty() ? ", " : " ") + expected,
                          {"--force, which replaces it"}, {{"file", path.string()}, {"option", role}});
}

}  // namespace

bool FileRoles::Identity::operator==(const Identity& other) const {
    if (file || other.file) return file == other.file;
    return folder && folder == other.folder && name == other.name;
}

FileRoles::FileRoles() {
    for (const auto& [role, descriptor] :
         {std::pair{"standard output", STDOUT_FILENO}, {"standard error", STDERR_FILENO}}) {
        if (std::optional<File> file = opened(role, descriptor)) outputs_.push_back(std::move(*file));
    }
}

void FileRoles::reads(const std::string& role, const fs::path& path) {
    add_input({.role = role, .path = path.string(), .identity = identify(path)});
}

void FileRoles::reads(const std::string& role, const std::vector<fs::path>& paths) {
    for (const fs::path& path : paths) reads(role, path);
}

void FileRoles::reads_standard_input() {
    if (std::optional<File> file = opened("standard input", STDIN_FILENO)) add_input(std::move(*file));
}

void FileRoles::writes(const std::string& role, const fs::path& path, const Replaceable& replaceable) {
    const File output = {.role = role, .path = path.string(), .identity = identify(path)};
    for (const File& input : inputs_) check(input, output);
    for (const File& other : outputs_) {
        if (!(other.identity == output.identity)) continue;
        throw InvalidArgument(output.path + ": " + other.role + " and " + role + " name the same file, expected two",
                              {}, {{"file", output.path}, {"option", role}});
    }
    check_replaceable(role, path, replaceable);
    outputs_.push_back(output);
}

FileRoles::Identity FileRoles::identify(const fs::path& path) {
    Identity identity;
    struct stat status = {};
    if (::stat(path.c_str(), &status) == 0) identity.file = {status.st_dev, status.st_ino};
    try {
        const fs::path target = follow_links(path);
        if (::stat(folder_of(target).c_str(), &status) == 0) identity.folder = {status.st_dev, status.st_ino};
        identity.name = target.filename().string();
    } catch (const BadFile&) {
        // Links in a circle are no file; who opens them says so.
    }
    return identity;
}

/// Terminals, pipes and devices are neither replaced nor lost by what is written to them.
std::optional<FileRoles::File> FileRoles::opened(const std::string& role, int descriptor) {
    struct stat status = {};
    if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    Identity identity;
    identity.file = {status.st_dev, status.st_ino};
    return File{.role = role, .path = role, .identity = identity, .descriptor = descriptor};
}

void FileRoles::add_input(File input) {
    for (const File& output : outputs_) check(input, output);
    inputs_.push_back(std::move(input));
}

void FileRoles::check(const File& input, const File& output) const {
    // What a killed run has left of an output is removed when it is written again.
    const bool is_leftover = input.identity.folder && input.identity.folder == output.identity.folder &&
                             is_temporary_name(input.identity.name, output.identity.name);
    if (!is_leftover && !(input.identity == output.identity)) return;
    silence(input);
    throw InvalidArgument(input.path + ": read as " + input.role + ", " +
                              (is_leftover ? "is what an earlier run has left of " : "and the same file as ") +
                              output.role + ", expected another name to write to",
                          {}, {{"file", input.path}, {"option", output.role}});
}

/// Not even the refusal may be written to what is read.
void FileRoles::silence(const File& input) const {
    for (const File& output : outputs_) {
        if (output.descriptor < 0 || !(output.identity == input.identity)) continue;
        const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
        ::dup2(nowhere, output.descriptor);
        ::close(nowhere);
    }
}

}  // namespace gpushard::cli
