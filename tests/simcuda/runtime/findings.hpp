#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>

#include "interpreter/finding.hpp"

namespace simcuda {

/// What kernels, products and copies did that they must not, for the whole process. The same kind in the same line of
/// the same kernel, or with other numbers in the same call, is one finding, however often it comes. Thread-safe.
class Findings : public interpreter::FindingSink {
public:
    /// Never destroyed.
    static Findings& instance();

    /// A new one is also a line on stderr.
    void report(interpreter::Finding finding) override;
    std::uint64_t count();
    /// Lives until they are cleared; null when there is no such one.
    const char* text(std::uint64_t index);
    void clear();

private:
    struct Entry {
        std::string first;  ///< the text of the first of its kind
        std::uint64_t times = 1;
    };

    std::mutex mutex_;
    std::deque<Entry> entries_;
    std::map<std::string, Entry*> by_place_;
    std::deque<std::string> handed_out_;
};

}  // namespace simcuda
