#include "explain/log_scan.hpp"

#include <charconv>
#include <tuple>

#include "explain/printable.hpp"

namespace gpushard {
namespace {

constexpr std::size_t most_lines_quoted = 4;
constexpr std::size_t longest_capture = 200;
constexpr std::int64_t most_cards = 1024;

void note_cards(const Captures& captures, std::set<std::int64_t>& cards) {
    for (const auto& [name, value] : captures) {
        if (name != "dev") continue;
        std::int64_t ordinal = -1;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), ordinal);
        if (error == std::errc{} && end == value.data() + value.size() && ordinal >= 0 && ordinal < most_cards) {
            cards.insert(ordinal);
        }
    }
}

}  // namespace

LogScan::Hit LogScan::look(std::string_view text) {
    catalogue_->patterns.match(text, numbers_);
    ++work_.matched_texts;
    work_.matched_bytes += text.size();
    Hit hit;
    for (const int number : numbers_) {
        const PatternUse& use = catalogue_->uses[static_cast<std::size_t>(number)];
        if (use.of == PatternUse::Of::opening) {
            hit.opens = true;
        } else if (use.of == PatternUse::Of::signal) {
            if (!hit.signal) hit.signal = use.number;
        } else {
            const bool is_cause = !catalogue_->diagnoses[catalogue_->entries[use.number].diagnosis].is_symptom;
            if (hit.is_cause || (hit.entry && !is_cause)) continue;
            hit.entry = use.number;
            hit.pattern = number;
            hit.is_cause = is_cause;
        }
    }
    return hit;
}

void LogScan::record(const Hit& hit, std::uint64_t number, std::string_view text) {
    Captures captures;
    if (captured_[*hit.entry] < most_captures_an_entry) {
        ++captured_[*hit.entry];
        ++work_.captures;
        captures = catalogue_->patterns.capture(hit.pattern, text);
        for (auto& [name, value] : captures) value = printable(value, longest_capture);
    }
    note_cards(captures, cards_);
    const auto signal = hit.signal ? hit.signal : signal_;
    const Key key{*hit.entry, signal, captures};
    auto found = by_key_.find(key);
    if (found == by_key_.end()) {
        if (records_.size() >= most_records) return;
        found = by_key_.emplace(key, records_.size()).first;
        records_.push_back({*hit.entry, signal, captures, {}, 0});
    }
    LogRecord& record = records_[found->second];
    // A piece of a long line that was seen already.
    if (!record.lines.empty() && record.lines.back().number == number) return;
    ++record.repeats;
    if (record.lines.size() < most_lines_quoted) record.lines.push_back({number, printable(text, longest_quote)});
}

/// Texts that were wrapped by a terminal or a mail: an error that opened, and the lines after it, read as one.
void LogScan::follow(std::uint64_t number, std::string_view line, const Hit& hit) {
    if (hit.is_cause) {
        lines_to_join_ = 0;
        return;
    }
    if (hit.opens && (lines_to_join_ == 0 || hit.entry)) {
        open_text_ = line;
        open_line_ = number;
        lines_to_join_ = most_joined_lines;
        return;
    }
    if (lines_to_join_ == 0) return;
    --lines_to_join_;
    if (open_text_.size() + line.size() + 1 > longest_joined) {
        lines_to_join_ = 0;
        return;
    }
    open_text_ += ' ';
    open_text_ += line;
    const Hit joined = look(open_text_);
    if (!joined.is_cause) return;
    record(joined, open_line_, open_text_);
    lines_to_join_ = 0;
}

void LogScan::take(std::uint64_t number, std::string_view line) {
    const Hit hit = look(line);
    if (hit.entry) record(hit, number, line);
    if (hit.signal) signal_ = hit.signal;
    if (lines_to_join_ > 0 || hit.opens) follow(number, line, hit);
}

}  // namespace gpushard
