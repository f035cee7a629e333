#include "shard/row_intake.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include <gpushard/error.hpp>

#include "shard/row_kernels.hpp"

namespace gpushard {

Bytes RowIntake::held_row_bytes() const { return static_cast<Bytes>(spec_.index.dim) * element_bytes(spec_.precision); }

void RowIntake::take(std::int64_t first_row, std::int64_t row_count, const float* rows, void* held, float* norms) {
    const std::int64_t dim = spec_.index.dim;
    const Bytes held_bytes = static_cast<Bytes>(row_count) * held_row_bytes();
    NonFiniteRows non_finite;
    switch (spec_.precision) {
        case Precision::f32:
            if (held != rows) std::memcpy(held, rows, held_bytes);
            non_finite = scan_rows(static_cast<const float*>(held), row_count, dim, norms);
            break;
        case Precision::f16:
            non_finite = halve_rows(rows, row_count, dim, static_cast<std::uint16_t*>(held), norms);
            break;
        case Precision::bf16:
            non_finite = brain_rows(rows, row_count, dim, static_cast<std::uint16_t*>(held), norms);
            break;
    }
    received_ += row_count;
    count_.copied_bytes += held_bytes;
    if (non_finite.count == 0) return;
    const std::int64_t first = first_row + non_finite.first;
    if (spec_.precision != Precision::f32) refuse_overflow(first);
    count_.non_finite_rows += non_finite.count;
    count_.first_non_finite_row =
        count_.first_non_finite_row < 0 ? first : std::min(count_.first_non_finite_row, first);
}

void RowIntake::check_complete(const std::string& device) const {
    if (received_ == spec_.rows.count()) return;
    throw Error(ErrorKind::internal, device + ": received " + std::to_string(received_) + " rows of a shard of " +
                                         std::to_string(spec_.rows.count()));
}

void RowIntake::refuse_overflow(std::int64_t row) const {
    const bool half = spec_.precision == Precision::f16;
    throw BadFile(spec_.index.display_name() + ": row " + std::to_string(row) + " holds a value that " +
                      (half ? "float16 cannot (finite values up to 65504), expected finite float16 rows"
                            : "bfloat16 cannot (finite values up to 3.39e38), expected finite bfloat16 rows"),
                  {"load it as it is stored: --precision stored"},
                  {{"file", spec_.index.display_name()}, {"row", row}});
}

}  // namespace gpushard
