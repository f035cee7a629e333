#pragma once

#include <gpushard/bytes.hpp>

namespace gpushard::bench {

/// The highest resident memory of this process while a function runs, above what it was before. Throws
/// Error where the system does not tell (Linux does, while a file can be opened).
class PeakMemory {
public:
    PeakMemory();
    Bytes above_start() const;

private:
    Bytes start_;
};

}  // namespace gpushard::bench
