#include "explain/log_scan.hpp"

#include <algorithm>
#include <charconv>

#include <gpushard/printable_text.hpp>

namespace gpushard {
namespace {

constexpr std::size_t most_lines_quoted = 4;
constexpr std::size_t longest_capture = 200;
constexpr std::int64_t most_cards = 1024;

/// How much of a long line is quoted before what matched.
constexpr std::size_t quote_lead = 60;

bool has_amount(const Captures& captures) {
    return std::any_of(captures.begin(), captures.end(),
                       [](const auto& capture) { return capture.first == "bytes" || capture.first == "size"; });
}

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

Captures LogScan::capture(const Hit& hit, std::string_view text) {
    EntryState& state = states_[*hit.entry];
    if (state.captures >= most_captures_an_entry) return {};
    ++state.captures;
    ++work_.captures;
    Captures captures = catalogue_->patterns.capture(hit.pattern, text);
    for (auto& [name, value] : captures) value = printable(value, longest_capture);
    note_cards(captures, cards_);
    return captures;
}

/// The record of the same entry and numbers; the latest one once there are too many to tell apart.
LogRecord& LogScan::record_for(const Hit& hit, Captures captures) {
    EntryState& state = states_[*hit.entry];
    const bool is_full = state.records >= most_records_an_entry || state.captures >= most_captures_an_entry;
    const auto signal = hit.signal ? hit.signal : signal_;
    const Key key{*hit.entry, signal, captures};
    const auto found = by_key_.find(key);
    if (found != by_key_.end()) {
        state.latest = found->second;
    } else if (!is_full || state.records == 0) {
        state.latest = records_.size();
        ++state.records;
        by_key_.emplace(key, records_.size());
        records_.push_back({*hit.entry, signal, std::move(captures), {}, 0});
    }
    return records_[state.latest];
}

LogRecord& LogScan::record(const Hit& hit, std::uint64_t number, std::string_view text) {
    LogRecord& record = record_for(hit, capture(hit, text));
    // A piece of a long line that was seen already.
    if (record.latest_line == number) return record;
    record.latest_line = number;
    ++record.repeats;
    if (record.lines.size() < most_lines_quoted) {
        const std::size_t begin = catalogue_->patterns.position(hit.pattern, text);
        const std::size_t from = text.size() <= longest_quote || begin < quote_lead ? 0 : begin - quote_lead;
        const std::string lead = from > 0 ? "... " : "";
        record.lines.push_back({number, lead + printable(text.substr(from), longest_quote - lead.size())});
    }
    return record;
}

/// Texts that were wrapped by a terminal or a mail: an error that opened, and the lines after it, read as one.
/// `is_whole` where the line says a cause with its number of bytes, or one that has none.
void LogScan::follow(std::uint64_t number, std::string_view line, const Hit& hit, bool is_whole) {
    if (hit.is_cause && is_whole) {
        lines_to_join_ = 0;
    } else if (hit.opens && (lines_to_join_ == 0 || hit.entry)) {
        open_text_ = line;
        open_line_ = number;
        open_record_.reset();
        if (hit.is_cause) open_record_ = states_[*hit.entry].latest;
        lines_to_join_ = most_joined_lines;
    } else if (lines_to_join_ > 0) {
        join(line);
    }
}

void LogScan::join(std::string_view line) {
    --lines_to_join_;
    if (open_text_.size() + line.size() + 1 > longest_joined) {
        lines_to_join_ = 0;
        return;
    }
    open_text_ += ' ';
    open_text_ += line;
    const Hit joined = look(open_text_);
    if (!joined.is_cause) return;
    if (!open_record_) {
        record(joined, open_line_, open_text_);
        lines_to_join_ = 0;
        return;
    }
    // The same cause, now with its numbers.
    LogRecord& opened = records_[*open_record_];
    Captures captures = capture(joined, open_text_);
    if (opened.entry != *joined.entry || !has_amount(captures)) return;
    opened.captures = std::move(captures);
    lines_to_join_ = 0;
}

void LogScan::take(std::uint64_t number, std::string_view line) {
    const Hit hit = look(line);
    bool is_whole = true;
    if (hit.entry) {
        const LogRecord& recorded = record(hit, number, line);
        const Diagnosis& diagnosis = catalogue_->diagnoses[catalogue_->entries[*hit.entry].diagnosis];
        is_whole = diagnosis.kind != ErrorKind::insufficient_memory || has_amount(recorded.captures);
    }
    if (hit.signal) signal_ = hit.signal;
    if (lines_to_join_ > 0 || hit.opens) follow(number, line, hit, is_whole);
}

}  // namespace gpushard
