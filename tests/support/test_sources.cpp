#include "support/test_sources.hpp"

#include <algorithm>

#include <gpushard/error.hpp>

namespace gpushard::test {

HookedSource::Hook fail_read(std::int64_t k, bool persists) {
    return [k, persists](std::int64_t read, Bytes offset, Bytes) {
        if (read != k && !(persists && read > k)) return;
        throw BadFile("injected: cannot be read at offset " + std::to_string(offset) + ": Input/output error");
    };
}

HookedSource::Hook ReadRecord::hook() {
    return [this](std::int64_t, Bytes offset, Bytes count) {
        const std::lock_guard lock(mutex_);
        ranges_.emplace_back(offset, count);
    };
}

void ReadRecord::clear() {
    const std::lock_guard lock(mutex_);
    ranges_.clear();
}

bool ReadRecord::covers_once(Bytes size) const {
    const std::lock_guard lock(mutex_);
    auto sorted = ranges_;
    std::sort(sorted.begin(), sorted.end());
    Bytes end = 0;
    for (const auto& [offset, count] : sorted) {
        if (offset != end) return false;
        end += count;
    }
    return end == size;
}

Bytes ReadRecord::largest_read() const {
    const std::lock_guard lock(mutex_);
    Bytes largest = 0;
    for (const auto& [offset, count] : ranges_) largest = std::max(largest, count);
    return largest;
}

}  // namespace gpushard::test
