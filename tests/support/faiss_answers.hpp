#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <faiss/IndexFlat.h>

#include <gpushard/index_profile.hpp>
#include <gpushard/placement_plan.hpp>

#include "support/index_writer.hpp"

namespace gpushard::test {

/// Values as they are held in a precision.
Rows held_in(Precision precision, Rows rows);

/// The exact answers of Faiss on the processor over some rows. In float16 rows and queries are rounded first, and
/// products are still summed in float32: what a card does.
class FaissAnswers {
public:
    FaissAnswers(const Rows& rows, Metric metric, Precision precision);

    struct Found {
        std::vector<float> distances;
        std::vector<std::int64_t> ids;
    };
    Found search(const Rows& queries, std::int64_t k) const;

    /// Whether these are the same answers; see `difference`. Empty when they are.
    std::string difference_of(const Rows& queries, std::int64_t k, const float* distances,
                              const std::int64_t* ids) const;

private:
    Metric metric_;
    Precision precision_;
    Rows rows_;
    faiss::IndexFlat index_;
};

}  // namespace gpushard::test
