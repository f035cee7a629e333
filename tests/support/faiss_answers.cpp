#include "support/faiss_answers.hpp"

#include <algorithm>
#include <utility>

#include "support/half.hpp"
#include "support/same_answers.hpp"

namespace gpushard::test {

Rows held_in(Precision precision, Rows rows) {
    if (precision == Precision::f16) {
        std::transform(rows.values.begin(), rows.values.end(), rows.values.begin(), round_to_half);
    }
    return rows;
}

FaissAnswers::FaissAnswers(const Rows& rows, Metric metric, Precision precision)
    : metric_(metric),
      precision_(precision),
      rows_(held_in(precision, rows)),
      index_(rows.dim, static_cast<faiss::MetricType>(static_cast<int>(metric))) {
    index_.add(rows_.count, rows_.values.data());
}

FaissAnswers::Found FaissAnswers::search(const Rows& queries, std::int64_t k) const {
    const Rows asked = held_in(precision_, queries);
    const auto size = static_cast<std::size_t>(queries.count * k);
    Found found{std::vector<float>(size), std::vector<std::int64_t>(size)};
    index_.search(queries.count, asked.values.data(), k, found.distances.data(), found.ids.data());
    return found;
}

std::string FaissAnswers::difference_of(const Rows& queries, std::int64_t k, const float* distances,
                                        const std::int64_t* ids) const {
    const Rows asked = held_in(precision_, queries);
    const Found found = search(queries, k);
    const SearchCase search{metric_, 0, rows_.dim, rows_.count, rows_.values.data(), queries.count, asked.values.data(),
                            k};
    // Cards square the halves of a query in halves, for the norm that all its distances share.
    const double tolerance = metric_ == Metric::l2 && precision_ == Precision::f16 ? 1e-4 : 1e-5;
    return difference(search, {distances, ids}, {found.distances.data(), found.ids.data()}, tolerance);
}

}  // namespace gpushard::test
