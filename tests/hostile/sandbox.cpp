#include "sandbox.hpp"

#include <algorithm>
#include <cerrno>
#include <set>
#include <sys/stat.h>
#include <system_error>

namespace gpushard::test {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t rows = 300;
constexpr std::int32_t dim = 8;

long nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000L + time.tv_nsec; }

FileFacts facts_of_file(const fs::path& path) {
    struct stat facts = {};
    if (::lstat(path.c_str(), &facts) != 0) throw std::system_error(errno, std::generic_category(), path.string());
    FileFacts known;
    known.device = static_cast<unsigned>(facts.st_dev);
    known.inode = facts.st_ino;
    known.mode = facts.st_mode;
    if (S_ISDIR(facts.st_mode)) return known;  // a temporary file may have come and gone
    known.links = facts.st_nlink;
    known.modified_ns = nanoseconds(facts.st_mtim);
    known.changed_ns = nanoseconds(facts.st_ctim);
    if (S_ISREG(facts.st_mode)) known.content = read_file(path);
    if (S_ISLNK(facts.st_mode)) known.content = fs::read_symlink(path).string();
    return known;
}

/// Made by the tool itself, once.
const std::string& plan_json() {
    static const std::string text = [] {
        TempDir folder;
        write_file(folder / "flat.index", flat_index(uniform_rows(rows, dim, 1), Metric::l2));
        return run_gpushard({"plan", "flat.index", "--devices", "cpu=64MiB*2", "--json"},
                            {.folder = folder.path().string()})
            .out;
    }();
    return text;
}

const std::string& rig_json() {
    static const std::string text = run_gpushard({"devices", "--devices", "cpu=64MiB,cpu=1GiB", "--json"}).out;
    return text;
}

}  // namespace

std::map<std::string, FileFacts> facts_of(const fs::path& folder) {
    std::map<std::string, FileFacts> facts;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        facts.emplace(entry.path().lexically_relative(folder).string(), facts_of_file(entry.path()));
    }
    return facts;
}

std::vector<std::string> differences(const std::map<std::string, FileFacts>& before,
                                     const std::map<std::string, FileFacts>& after) {
    std::vector<std::string> lines;
    for (const auto& [name, facts] : before) {
        const auto now = after.find(name);
        if (now == after.end()) {
            lines.push_back("gone: " + name);
        } else if (!(now->second == facts)) {
            lines.push_back((now->second.content == facts.content ? "touched: " : "changed: ") + name);
        }
    }
    for (const auto& [name, facts] : after) {
        if (!before.contains(name)) lines.push_back("new: " + name);
    }
    return lines;
}

const std::vector<std::string>& Sandbox::inputs() {
    static const std::vector<std::string> names = {"flat.index",
                                                   "ip.index",
                                                   "part_aa",
                                                   "part_ab",
                                                   "part_ac",
                                                   "queries.npy",
                                                   "queries.fvecs",
                                                   "queries.fbin",
                                                   "wide.npy",
                                                   "plan.json",
                                                   "rig.json",
                                                   "catalogue.json",
                                                   "log.txt",
                                                   "empty",
                                                   "garbage",
                                                   "cut.index",
                                                   "link.index",
                                                   "hard.index",
                                                   "link.npy",
                                                   "hard.npy",
                                                   "loop",
                                                   "dangling",
                                                   "folder",
                                                   "fifo",
                                                   "name \x1b[31m.index",
                                                   "name \xc2\x9b.index",
                                                   "name \xff.index",
                                                   "name\nof two lines.index",
                                                   "-dash.index"};
    return names;
}

const std::vector<std::string>& Sandbox::replaced_by_search() {
    static const std::vector<std::string> names = {"queries.npy", "link.npy", "hard.npy", "wide.npy", "empty"};
    return names;
}

const std::vector<std::string>& Sandbox::old_outputs() {
    static const std::vector<std::string> names = {"old.npy", "old.index", "link_to_old", "hard_old"};
    return names;
}

Sandbox::Sandbox() {
    put_indexes();
    put_queries();
    put_texts();
    put_other_names();
    put_old_outputs();
}

void Sandbox::put_indexes() const {
    const std::string flat = flat_index(uniform_rows(rows, dim, 1), Metric::l2);
    put("flat.index", flat);
    put("ip.index", flat_index(uniform_rows(rows, dim, 2), Metric::inner_product));
    write_parts(folder_.path(), flat, {flat.size() / 3, 2 * (flat.size() / 3)});
    put("empty", "");
    put("garbage", std::string(3000, '\xa5'));
    put("cut.index", flat.substr(0, flat.size() / 2));
}

void Sandbox::put_queries() const {
    const Rows queries = uniform_rows(40, dim, 3);
    put("queries.npy", query_npy(queries));
    put("queries.fvecs", query_fvecs(queries));
    put("queries.fbin", query_fbin(queries));
    put("wide.npy", query_npy(uniform_rows(3, dim + 1, 4)));
}

void Sandbox::put_texts() const {
    put("plan.json", plan_json());
    put("rig.json", rig_json());
    put("catalogue.json",
        R"({"entries": [{"id": "own", "kind": "device", "patterns": ["my own error"], "title": "t", "meaning": "m"}]})");
    put("log.txt",
        "StandardGpuResources: alloc fail type TemporaryMemoryOverflow dev 0 space Device stream 0xbcdba10 "
        "size 32279537664 bytes (cudaMalloc error out of memory [2])\n\x1b[31mred\x9b\n");
}

void Sandbox::put_other_names() const {
    fs::create_symlink("flat.index", folder_ / "link.index");
    fs::create_hard_link(folder_ / "flat.index", folder_ / "hard.index");
    fs::create_symlink("queries.npy", folder_ / "link.npy");
    fs::create_hard_link(folder_ / "queries.npy", folder_ / "hard.npy");
    fs::create_symlink("loop", folder_ / "loop");
    fs::create_symlink("nothing", folder_ / "dangling");
    fs::create_directory(folder_ / "folder");
    if (::mkfifo((folder_ / "fifo").c_str(), 0600) != 0)
        throw std::system_error(errno, std::generic_category(), "fifo");
    for (const std::string& name : inputs()) {
        if (name.starts_with("name") || name.starts_with("-")) put(name, read_file(folder_ / "flat.index"));
    }
}

void Sandbox::put_old_outputs() const {
    put("old.npy", "old answers");
    put("old.index", "old vectors");
    fs::permissions(folder_ / "old.npy", fs::perms(0640));
    fs::create_symlink("old.npy", folder_ / "link_to_old");
    fs::create_hard_link(folder_ / "old.index", folder_ / "hard_old");
}

bool Sandbox::is_one_of(const std::string& name, const std::vector<std::string>& names) const {
    std::error_code failed;
    return std::any_of(names.begin(), names.end(), [&](const std::string& other) {
        return name == other || fs::equivalent(folder_ / name, folder_ / other, failed);
    });
}

}  // namespace gpushard::test
