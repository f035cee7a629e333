#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <gpushard/bytes.hpp>

namespace gpushard {

/// What one shard holds on its card, by type of allocation. One thread at a time.
class MemoryLedger {
public:
    struct Entry {
        Bytes current = 0;
        Bytes peak = 0;
        std::int64_t count = 0;  ///< allocations so far
    };

    void add(const std::string& type, Bytes bytes);
    void remove(const std::string& type, Bytes bytes);

    const std::map<std::string, Entry>& by_type() const { return by_type_; }
    const Entry& total() const { return total_; }

private:
    std::map<std::string, Entry> by_type_;
    Entry total_;
};

}  // namespace gpushard
