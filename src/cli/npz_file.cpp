#include "cli/npz_file.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>
#include <zip.h>

#include <gpushard/error.hpp>

#include "cli/named_arrays.hpp"

namespace gpushard::cli {
namespace {

constexpr std::string_view npy_suffix = ".npy";
constexpr std::int64_t most_members = 100'000;

struct CloseArchive {
    void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct CloseMember {
    void operator()(zip_file_t* member) const { zip_fclose(member); }
};
using Archive = std::unique_ptr<zip_t, CloseArchive>;
using Member = std::unique_ptr<zip_file_t, CloseMember>;

BadFile bad_archive(const std::string& name, const std::string& problem) {
    return BadFile(name + ": " + problem, {"save the queries alone: numpy.save(\"queries.npy\", ...)"},
                   {{"file", name}});
}

Archive open_archive(int descriptor, const std::string& name) {
    const int own = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (own < 0) throw bad_archive(name, std::string("cannot be opened: ") + std::strerror(errno));
    int code = 0;
    Archive archive(zip_fdopen(own, 0, &code));
    if (archive) return archive;
    ::close(own);
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string problem = zip_error_strerror(&error);
    zip_error_fini(&error);
    throw bad_archive(name, "is no readable archive of arrays (.npz): " + problem);
}

struct Arrays {
    std::vector<std::string> names;     ///< without ".npy"
    std::vector<zip_uint64_t> members;  ///< in the archive
};

Arrays list_arrays(zip_t* archive, const std::string& name) {
    const zip_int64_t count = zip_get_num_entries(archive, 0);
    if (count > most_members) throw bad_archive(name, "has more than " + std::to_string(most_members) + " members");
    Arrays arrays;
    for (zip_int64_t i = 0; i < count; ++i) {
        const char* const text = zip_get_name(archive, static_cast<zip_uint64_t>(i), 0);
        const std::string_view member = text == nullptr ? "" : text;
        if (!member.ends_with(npy_suffix)) continue;
        arrays.names.emplace_back(member.substr(0, member.size() - npy_suffix.size()));
        arrays.members.push_back(static_cast<zip_uint64_t>(i));
    }
    return arrays;
}

}  // namespace

std::shared_ptr<SpooledSource> unpack_npz(int descriptor, const std::string& name, const std::stop_token& stop) {
    const Archive archive = open_archive(descriptor, name);
    const Arrays arrays = list_arrays(archive.get(), name);
    if (arrays.names.empty()) throw bad_archive(name, "is an archive without NumPy arrays, expected an .npz file");
    const std::size_t chosen = choose_queries(name, arrays.names);
    const Member member(zip_fopen_index(archive.get(), arrays.members[chosen], 0));
    const std::string array = name + " (" + arrays.names[chosen] + ")";
    if (!member) throw bad_archive(array, std::string("cannot be unpacked: ") + zip_strerror(archive.get()));
    auto unpacked = std::make_shared<SpooledSource>(array);
    std::array<char, 64 << 10> block;
    while (true) {
        if (stop.stop_requested()) throw Cancelled("reading the queries was cancelled");
        const zip_int64_t got = zip_fread(member.get(), block.data(), block.size());
        if (got < 0) throw bad_archive(array, std::string("cannot be unpacked: ") + zip_file_strerror(member.get()));
        if (got == 0) return unpacked;
        unpacked->append(block.data(), static_cast<std::size_t>(got));
    }
}

}  // namespace gpushard::cli
