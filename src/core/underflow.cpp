#include "core/underflow.hpp"

#include <string>

#include <gpushard/error.hpp>
#include <gpushard/placement_plan.hpp>

namespace gpushard {
namespace {

// Float16 is chosen for answers that are right in 99 of 100 places and more; an index that loses more rows than that
// cannot give them. Of embeddings of unit length no row is lost, and at most one value in ten thousand.
constexpr std::int64_t most_lost_in = 100;

bool is_too_much(std::int64_t lost, std::int64_t all) { return lost > all / most_lost_in; }

}  // namespace

void refuse_underflow(const IndexProfile& index, Precision precision, const RowFindings& found) {
    if (precision != Precision::f16) return;
    const std::int64_t values = index.count * index.dim;
    const bool loses_rows = is_too_much(found.underflowed_rows, index.count);
    const bool loses_values = index.metric == Metric::canberra && is_too_much(found.underflowed_values, values);
    if (!loses_rows && !loses_values) return;
    const bool is_centred = planned_centring(DeviceKind::cpu, precision, index.metric) == Centring::always;
    const std::string lost = loses_rows ? std::to_string(found.underflowed_rows) + " or more of its " +
                                              std::to_string(index.count) + " rows (the first is row " +
                                              std::to_string(found.first_underflowed_row) + "; their root mean square" +
                                              (is_centred ? ", less the centre of all," : "") + " is below 7.6e-6)"
                                        : std::to_string(found.underflowed_values) + " or more of its " +
                                              std::to_string(values) + " values (they are below 4.8e-7)";
    throw BadFile(
        index.display_name() + ": too small for float16, which loses the digits of " + lost +
            ", expected at most 1 in " + std::to_string(most_lost_in),
        {"--precision f32, which keeps every digit", "--precision bf16, which has the range of float32 in two bytes"},
        {{"file", index.display_name()},
         {"underflowed_rows", found.underflowed_rows},
         {"first_underflowed_row", found.first_underflowed_row},
         {"underflowed_values", found.underflowed_values}});
}

}  // namespace gpushard
