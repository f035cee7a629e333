#include "support/faiss_answers.hpp"

#include <algorithm>
#include <utility>

#include "support/half.hpp"
#include "support/same_answers.hpp"

namespace gpushard::test {

FaissAnswers::FaissAnswers(const Rows& rows, Metric metric, Precision precision)
    : metric_(metric),
      precision_(precision),
      rows_(rounded(rows)),
      index_(rows.dim, static_cast<faiss::MetricType>(static_cast<int>(metric))) {
    index_.add(rows_.count, rows_.values.data());
}

FaissAnswers::Found FaissAnswers::search(const Rows& queries, std::int64_t k) const {
    const Rows asked = rounded(queries);
    const auto size = static_cast<std::size_t>(queries.count * k);
    Found found{std::vector<float>(size), std::vector<std::int64_t>(size)};
    index_.search(queries.count, asked.values.data(), k, found.distances.data(), found.ids.data());
    return found;
}

std::string FaissAnswers::difference_of(const Rows& queries, std::int64_t k, const float* distances,
                                        const std::int64_t* ids) const {
    const Rows asked = rounded(queries);
    const Found found = search(queries, k);
    const SearchCase search{metric_, 0, rows_.dim, rows_.count, rows_.values.data(), queries.count, asked.values.data(),
                            k};
    return difference(search, {distances, ids}, {found.distances.data(), found.ids.data()}, 1e-5);
}

Rows FaissAnswers::rounded(Rows rows) const {
    if (precision_ == Precision::f16) {
        std::transform(rows.values.begin(), rows.values.end(), rows.values.begin(), round_to_half);
    }
    return rows;
}

}  // namespace gpushard::test
