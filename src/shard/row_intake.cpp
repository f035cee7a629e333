#include "shard/row_intake.hpp"

#include <cstring>
#include <string>

#include <gpushard/error.hpp>

#include "core/underflow.hpp"
#include "shard/centred_queries.hpp"
#include "shard/row_kernels.hpp"

namespace gpushard {

Bytes RowIntake::held_row_bytes() const { return static_cast<Bytes>(spec_.index.dim) * element_bytes(spec_.precision); }

void RowIntake::take(std::int64_t first_row, std::int64_t row_count, const float* rows, void* held, float* norms) {
    const std::int64_t dim = spec_.index.dim;
    const Bytes held_bytes = static_cast<Bytes>(row_count) * held_row_bytes();
    const float* const centre = spec_.centre ? spec_.centre->data() : nullptr;
    RowFindings found;
    switch (spec_.precision) {
        case Precision::f32:
            if (centre != nullptr) {
                subtract_centre(rows, row_count, dim, centre, static_cast<float*>(held));
            } else if (held != rows) {
                std::memcpy(held, rows, held_bytes);
            }
            found = scan_rows(static_cast<const float*>(held), row_count, dim, norms);
            break;
        case Precision::f16:
            found = round_rows_to_f16(rows, row_count, dim, static_cast<std::uint16_t*>(held), norms, centre);
            break;
        case Precision::bf16:
            found = round_rows_to_bf16(rows, row_count, dim, static_cast<std::uint16_t*>(held), norms, centre);
            break;
    }
    received_ += row_count;
    count_.copied_bytes += held_bytes;
    if (found.non_finite_rows > 0 && spec_.precision != Precision::f32) {
        refuse_overflow(first_row + found.first_non_finite_row);
    }
    count_.add(in_the_index(found, first_row));
    // A part of the rows may be enough to know; otherwise the load knows when it has all.
    refuse_underflow(spec_.index, spec_.precision, count_);
}

/// Findings of a block, whose rows count from `first_row`.
RowFindings RowIntake::in_the_index(RowFindings found, std::int64_t first_row) const {
    for (std::int64_t* first :
         {&found.first_non_finite_row, &found.first_overflowing_norm_row, &found.first_underflowed_row}) {
        if (*first >= 0) *first += first_row;
    }
    if (spec_.index.metric != Metric::l2) {
        found.overflowing_norm_rows = 0;
        found.first_overflowing_norm_row = -1;
    }
    return found;
}

void RowIntake::check_complete(const std::string& device) const {
    if (received_ == spec_.rows.count()) return;
    throw Error(ErrorKind::internal, device + ": received " + std::to_string(received_) + " rows of a shard of " +
                                         std::to_string(spec_.rows.count()));
}

void RowIntake::refuse_overflow(std::int64_t row) const {
    const bool half = spec_.precision == Precision::f16;
    throw BadFile(spec_.index.display_name() + ": row " + std::to_string(row) +
                      (spec_.centre ? " less the centre of all" : "") + " holds a value that " +
                      (half ? "float16 cannot (finite values up to 65504), expected finite float16 rows"
                            : "bfloat16 cannot (finite values up to 3.39e38), expected finite bfloat16 rows"),
                  {"load it as it is stored: --precision stored"},
                  {{"file", spec_.index.display_name()}, {"row", row}});
}

}  // namespace gpushard
