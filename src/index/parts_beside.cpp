#include "index/parts_beside.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <system_error>

namespace gpushard {
namespace {

std::vector<std::string> files_in(const std::filesystem::path& folder) {
    std::vector<std::string> names;
    std::error_code failed;
    std::filesystem::directory_iterator entry(folder.empty() ? "." : folder, failed);
    for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
        std::error_code unknown;
        if (entry->is_regular_file(unknown)) names.push_back(entry->path().filename().string());
    }
    return names;
}

}  // namespace

std::filesystem::path PiecesBeside::path_of(std::uint64_t number) const { return folder / naming.name_of(number); }

std::uint64_t PiecesBeside::first() const {
    std::uint64_t first = own;
    while (first > 0 && has(first - 1)) --first;
    return first;
}

bool PiecesBeside::has(std::uint64_t number) const {
    return std::binary_search(numbers.begin(), numbers.end(), number);
}

std::vector<std::filesystem::path> PiecesBeside::from(std::uint64_t first) const {
    std::vector<std::filesystem::path> paths;
    for (std::uint64_t number = first; has(number); ++number) paths.push_back(path_of(number));
    return paths;
}

std::vector<PiecesBeside> pieces_beside(const std::filesystem::path& path) {
    const std::string own_name = path.filename().string();
    const std::vector<std::string> names = files_in(path.parent_path());
    std::vector<PiecesBeside> runs;
    for (const PieceNaming& naming : possible_namings(own_name)) {
        std::set<std::uint64_t> numbers;
        for (const std::string& name : names) {
            const auto number = naming.number_of(name);
            if (number && naming.name_of(*number) == name) numbers.insert(*number);
        }
        const auto own = naming.number_of(own_name);
        if (numbers.size() < 2 || !own || numbers.count(*own) == 0) continue;
        runs.push_back({path.parent_path(), naming, *own, {numbers.begin(), numbers.end()}});
    }
    return runs;
}

}  // namespace gpushard
