#include "explain/pattern_set.hpp"

#include <algorithm>
#include <map>

#include <re2/re2.h>
#include <re2/set.h>

namespace gpushard {
namespace {

/// Memory for the automaton of all patterns; RE2 starts it anew when it is full.
constexpr std::int64_t set_memory = 64 << 20;
constexpr std::size_t longest_pattern = 1000;

RE2::Options options(std::int64_t memory) {
    RE2::Options options;
    options.set_encoding(RE2::Options::EncodingLatin1);
    options.set_case_sensitive(false);
    options.set_log_errors(false);
    options.set_max_mem(memory);
    return options;
}

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

struct PatternSet::Patterns {
    RE2::Set set{options(set_memory), RE2::UNANCHORED};
    std::vector<std::unique_ptr<RE2>> each;
};

PatternSet::PatternSet() : patterns_(std::make_unique<Patterns>()) {}
PatternSet::~PatternSet() = default;
PatternSet::PatternSet(PatternSet&&) noexcept = default;
PatternSet& PatternSet::operator=(PatternSet&&) noexcept = default;

const std::vector<std::string>& PatternSet::capture_names() {
    static const std::vector<std::string> names = {
        "bytes",    "size",   "dev",     "space", "free",     "free_size", "total_size", "rows",   "dims",   "k",
        "limit",    "nprobe", "m",       "bits",  "required", "status",    "code",       "type",   "file",   "library",
        "function", "port",   "records", "saved", "cards",    "tokens",    "read",       "wanted", "points", "shard"};
    return names;
}

std::string PatternSet::add(const std::string& pattern) {
    if (pattern.empty() || pattern.size() > longest_pattern) {
        return "has " + std::to_string(pattern.size()) + " bytes, expected 1 to " + std::to_string(longest_pattern);
    }
    auto one = std::make_unique<RE2>(piece(pattern), options(8 << 20));
    if (!one->ok()) return "is no regular expression: " + one->error();
    for (const auto& [name, group] : one->NamedCapturingGroups()) {
        const auto& names = capture_names();
        if (std::find(names.begin(), names.end(), name) == names.end())
            return "captures '" + name + "', which is unknown";
    }
    if (RE2::FullMatch("", *one)) return "matches an empty line";
    std::string error;
    if (patterns_->set.Add(piece(pattern), &error) < 0) return "is no regular expression: " + error;
    patterns_->each.push_back(std::move(one));
    return "";
}

void PatternSet::compile() { patterns_->set.Compile(); }

void PatternSet::match(std::string_view text, std::vector<int>& numbers) const {
    numbers.clear();
    RE2::Set::ErrorInfo error{};
    if (patterns_->set.Match(piece(text), &numbers, &error) || error.kind != RE2::Set::kOutOfMemory) {
        std::sort(numbers.begin(), numbers.end());
        return;
    }
    numbers.clear();
    for (std::size_t i = 0; i < patterns_->each.size(); ++i) {
        if (RE2::PartialMatch(piece(text), *patterns_->each[i])) numbers.push_back(static_cast<int>(i));
    }
}

Captures PatternSet::capture(int number, std::string_view text) const {
    const RE2& pattern = *patterns_->each.at(static_cast<std::size_t>(number));
    const int groups = pattern.NumberOfCapturingGroups();
    if (groups == 0) return {};
    std::vector<re2::StringPiece> parts(static_cast<std::size_t>(groups) + 1);
    if (!pattern.Match(piece(text), 0, text.size(), RE2::UNANCHORED, parts.data(), groups + 1)) return {};
    Captures captures;
    for (const auto& [group, name] : pattern.CapturingGroupNames()) {
        const re2::StringPiece& part = parts[static_cast<std::size_t>(group)];
        if (part.data() != nullptr) captures.emplace_back(name, std::string(part.data(), part.size()));
    }
    return captures;
}

std::size_t PatternSet::position(int number, std::string_view text) const {
    re2::StringPiece whole;
    const RE2& pattern = *patterns_->each.at(static_cast<std::size_t>(number));
    if (!pattern.Match(piece(text), 0, text.size(), RE2::UNANCHORED, &whole, 1)) return 0;
    return static_cast<std::size_t>(whole.data() - text.data());
}

std::size_t PatternSet::size() const { return patterns_->each.size(); }

const std::string& PatternSet::text(int number) const {
    return patterns_->each.at(static_cast<std::size_t>(number))->pattern();
}

}  // namespace gpushard
