#include "runtime/findings.hpp"

#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <memory>
#include <regex>
#include <utility>

namespace simcuda {
namespace {

using interpreter::Finding;
using interpreter::FindingKind;

const char* words_of(FindingKind kind) {
    switch (kind) {
        case FindingKind::invalid_access:
            return "invalid access";
        case FindingKind::misaligned_access:
            return "misaligned access";
        case FindingKind::unwritten_read:
            return "read of bytes never written";
        case FindingKind::race:
            return "race";
        case FindingKind::divergent_barrier:
            return "divergent barrier";
        case FindingKind::bad_shuffle:
            return "bad shuffle";
        case FindingKind::unknown_instruction:
            return "unknown instruction";
        case FindingKind::unreadable_code:
            return "unreadable code";
    }
    return "finding";
}

/// A kernel as its source names it, without its parameters; as in the PTX where that is no name of C++.
std::string readable(const std::string& kernel) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> demangled(
        abi::__cxa_demangle(kernel.c_str(), nullptr, nullptr, &status), std::free);
    if (status != 0) return kernel;
    std::string name = demangled.get();
    if (name.ends_with(')')) {
        int depth = 0;
        for (std::size_t i = name.size(); i-- > 0;) {
            if (name[i] == ')') ++depth;
            if (name[i] == '(' && --depth == 0) {
                name.resize(i);
                break;
            }
        }
    }
    if (name.starts_with("void ")) name.erase(0, 5);
    return name;
}

/// Kind, kernel and line; where the text names no line, all of it but the numbers. Regular expressions that are never
/// destroyed, since destructors of static objects use the cards.
std::string place_of(const Finding& finding) {
    static const std::regex& line = *new std::regex("line [0-9]+");
    static const std::regex& number = *new std::regex("0x[0-9a-f]+|[0-9]+");
    std::smatch found;
    const std::string where =
        std::regex_search(finding.text, found, line) ? found.str() : std::regex_replace(finding.text, number, "");
    return std::string(words_of(finding.kind)) + '|' + finding.kernel + '|' + where;
}

}  // namespace

Findings& Findings::instance() {
    static Findings& findings = *new Findings;
    return findings;
}

void Findings::report(Finding finding) {
    const std::string place = place_of(finding);
    const std::lock_guard lock(mutex_);
    const auto known = by_place_.find(place);
    if (known != by_place_.end()) {
        ++known->second->times;
        return;
    }
    entries_.push_back({std::string(words_of(finding.kind)) + ": " + readable(finding.kernel) + ": " + finding.text});
    by_place_.emplace(place, &entries_.back());
    std::fprintf(stderr, "simcuda: %s\n", entries_.back().first.c_str());
}

std::uint64_t Findings::count() {
    const std::lock_guard lock(mutex_);
    return entries_.size();
}

const char* Findings::text(std::uint64_t index) {
    const std::lock_guard lock(mutex_);
    if (index >= entries_.size()) return nullptr;
    const Entry& entry = entries_[index];
    std::string text = entry.first;
    if (entry.times > 1) text += " (" + std::to_string(entry.times) + " times)";
    return handed_out_.emplace_back(std::move(text)).c_str();
}

void Findings::clear() {
    const std::lock_guard lock(mutex_);
    entries_.clear();
    by_place_.clear();
    handed_out_.clear();
}

}  // namespace simcuda
