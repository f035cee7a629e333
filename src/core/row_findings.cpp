#include <gpushard/row_findings.hpp>

namespace gpushard {
namespace {

void keep_lower(std::int64_t& first, std::int64_t other) {
    if (other >= 0 && (first < 0 || other < first)) first = other;
}

}  // namespace

void RowFindings::add(const RowFindings& others) {
    non_finite_rows += others.non_finite_rows;
    overflowing_norm_rows += others.overflowing_norm_rows;
    underflowed_values += others.underflowed_values;
    underflowed_rows += others.underflowed_rows;
    keep_lower(first_non_finite_row, others.first_non_finite_row);
    keep_lower(first_overflowing_norm_row, others.first_overflowing_norm_row);
    keep_lower(first_underflowed_row, others.first_underflowed_row);
}

}  // namespace gpushard
