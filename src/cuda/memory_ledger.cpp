#include "cuda/memory_ledger.hpp"

#include <algorithm>

namespace gpushard {
namespace {

void add_to(MemoryLedger::Entry& entry, Bytes bytes) {
    entry.current += bytes;
    entry.peak = std::max(entry.peak, entry.current);
    ++entry.count;
}

}  // namespace

void MemoryLedger::add(const std::string& type, Bytes bytes) {
    add_to(by_type_[type], bytes);
    add_to(total_, bytes);
}

void MemoryLedger::remove(const std::string& type, Bytes bytes) {
    by_type_[type].current -= bytes;
    total_.current -= bytes;
}

}  // namespace gpushard
