#include "cli/named_arrays.hpp"

#include <algorithm>
#include <string_view>

#include <gpushard/error.hpp>

namespace gpushard::cli {

std::size_t choose_queries(const std::string& file, const std::vector<std::string>& names) {
    if (names.size() == 1) return 0;
    for (const std::string_view telling : {"queries", "query", "xq", "test", "embeddings", "vectors"}) {
        const auto found = std::find(names.begin(), names.end(), telling);
        if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    }
    constexpr std::size_t most_listed = 10;
    std::string listed;
    for (std::size_t i = 0; i < std::min(names.size(), most_listed); ++i) listed += (i == 0 ? "" : ", ") + names[i];
    if (names.size() > most_listed) listed += ", ...";
    throw BadFile(file + (names.empty() ? ": holds no arrays, expected one of queries"
                                        : ": holds several arrays (" + listed + "), expected one named queries"),
                  {"save the queries alone: numpy.save(\"queries.npy\", ...)"}, {{"file", file}});
}

}  // namespace gpushard::cli
