#pragma once

#include <string>
#include <vector>

namespace gpushard::cli {

/// Which of the arrays that a file holds are the queries: the only one, or the one with a name that says so ("queries",
/// "query", "xq", "test", "embeddings", "vectors", in this order). Throws BadFile listing the names where that leaves
/// a choice, or where there is none.
std::size_t choose_queries(const std::string& file, const std::vector<std::string>& names);

}  // namespace gpushard::cli
