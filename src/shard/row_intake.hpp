#pragma once

#include <gpushard/backend.hpp>

namespace gpushard {

/// Makes of the rows a shard pulls what it holds: less the centre of its spec, if it has one, and in its precision.
/// Counts what came in; norms and findings are of what is held.
class RowIntake {
public:
    explicit RowIntake(const ShardSpec& spec) : spec_(spec) {}

    /// Bytes of one row as the shard holds it.
    Bytes held_row_bytes() const;

    /// Writes `row_count` rows, whose first is `first_row` of the whole index, to `held`, and their squared norms to
    /// `norms` where that is not null. `held` may be `rows` in float32. Throws BadFile with the row's number when a row
    /// is not finite in a precision it is converted to, and when too many are too small for it.
    void take(std::int64_t first_row, std::int64_t row_count, const float* rows, void* held, float* norms);

    /// Throws Error(internal) unless every row of the shard came in.
    void check_complete(const std::string& device) const;

    const LoadCount& count() const { return count_; }

private:
    RowFindings in_the_index(RowFindings found, std::int64_t first_row) const;
    [[noreturn]] void refuse_overflow(std::int64_t row) const;

    const ShardSpec& spec_;
    LoadCount count_;
    std::int64_t received_ = 0;
};

}  // namespace gpushard
