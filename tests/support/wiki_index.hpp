#pragma once

#include <gpushard/index_profile.hpp>

namespace gpushard::test {

/// FlashRAG's wiki_100w_e5_index: 21,015,324 x 768 float32, inner product, behind a header of 45 bytes.
inline IndexProfile wiki_index() {
    IndexProfile index;
    index.files = {"wiki_100w_e5.index"};
    index.bytes = 64'559'075'373;
    index.fourcc = "IxFI";
    index.dim = 768;
    index.count = 21'015'324;
    index.metric = Metric::inner_product;
    index.payload_offset = 45;
    index.payload_bytes = 64'559'075'328;
    return index;
}

/// A flat index of another size, as inspect_index would describe it.
inline IndexProfile flat_index(std::int64_t count, std::int32_t dim, Metric metric = Metric::inner_product) {
    IndexProfile index = wiki_index();
    index.files = {"flat.index"};
    index.dim = dim;
    index.count = count;
    index.metric = metric;
    index.payload_bytes = static_cast<Bytes>(count) * static_cast<Bytes>(dim) * 4;
    index.bytes = index.payload_offset + index.payload_bytes;
    return index;
}

}  // namespace gpushard::test
