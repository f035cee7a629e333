#include "support/rows_feed.hpp"

namespace gpushard::test {

std::vector<RowRange> cut(RowRange rows, std::int64_t block_rows) {
    std::vector<RowRange> blocks;
    for (std::int64_t begin = rows.begin; begin < rows.end; begin += block_rows) {
        blocks.push_back({begin, std::min(rows.end, begin + block_rows)});
    }
    return blocks;
}

}  // namespace gpushard::test
