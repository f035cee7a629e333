#pragma once

#include <gpushard/index_profile.hpp>
#include <gpushard/row_findings.hpp>

namespace gpushard {

/// Throws BadFile where float16 loses the digits of more than a hundredth of the index: of its rows, or of its values
/// where the metric weighs small values like large ones (Canberra). `found` may be of a part of the index.
void refuse_underflow(const IndexProfile& index, Precision precision, const RowFindings& found);

}  // namespace gpushard
