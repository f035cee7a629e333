#include "explain/log_scan.hpp"

#include <algorithm>
#include <charconv>

#include <gpushard/printable_text.hpp>

#include "explain/precedence.hpp"

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

LogScan::Hit LogScan::look(std::uint64_t number, std::string_view text) {
    catalogue_->patterns.match(text, numbers_);
    ++work_.matched_texts;
    work_.matched_bytes += text.size();
    Hit hit;
    for (const int pattern : numbers_) {
        const PatternUse& use = catalogue_->uses[static_cast<std::size_t>(pattern)];
        if (use.of == PatternUse::Of::opening) {
            hit.opens = true;
        } else if (use.of == PatternUse::Of::signal) {
            if (!hit.signal) hit.signal = use.number;
        } else if (use.of == PatternUse::Of::mark) {
            marked_[use.number] = number;
        } else if (applies(number, catalogue_->entries[use.number])) {
            if (hit.entry && !outranks({use.number, use.claim}, {*hit.entry, hit.claim})) continue;
            hit.entry = use.number;
            hit.pattern = pattern;
            hit.claim = use.claim;
        }
    }
    return hit;
}

bool LogScan::is_marked(std::uint64_t number, std::size_t mark) const {
    return marked_[mark] && *marked_[mark] + lines_a_mark_holds >= number;
}

/// Marks are set before entries are tried: their patterns come first.
bool LogScan::applies(std::uint64_t number, const CatalogueEntry& entry) const {
    return !entry.needs || is_marked(number, *entry.needs);
}

std::set<std::size_t> LogScan::marks_before(std::uint64_t number, const CatalogueEntry& entry) const {
    std::set<std::size_t> marks;
    for (const std::size_t mark : entry.marks) {
        if (is_marked(number, mark)) marks.insert(mark);
    }
    return marks;
}

/// Each entry that matched, by the pattern of its strongest claim, and why it explains the text or does not. numbers_
/// are still those of the text.
std::vector<TraceCandidate> LogScan::candidates(std::uint64_t number, const Hit& hit) const {
    std::map<std::size_t, int> best;
    for (const int pattern : numbers_) {
        const PatternUse& use = catalogue_->uses[static_cast<std::size_t>(pattern)];
        if (use.of != PatternUse::Of::entry || !applies(number, catalogue_->entries[use.number])) continue;
        const auto [known, is_new] = best.emplace(use.number, pattern);
        if (!is_new && is_stronger(use.claim, claim_of(known->second))) known->second = pattern;
    }
    const Contender winner{*hit.entry, hit.claim};
    const std::string& winner_id = catalogue_->diagnosis_of(*hit.entry).id;
    std::vector<TraceCandidate> all;
    for (const auto& [entry, pattern] : best) {
        TraceCandidate candidate;
        candidate.id = catalogue_->diagnosis_of(entry).id;
        candidate.claim = claim_of(pattern);
        candidate.pattern = catalogue_->patterns.text(pattern);
        candidate.won = entry == *hit.entry;
        candidate.why =
            candidate.won ? why_won(winner, best.size()) : why_outranked({entry, candidate.claim}, winner, winner_id);
        all.insert(candidate.won ? all.begin() : all.end(), std::move(candidate));
    }
    return all;
}

void LogScan::trace(LogRecord& record, const Hit& hit, std::uint64_t number, std::string_view text) {
    if (!traces_ || record.trace || trace_.size() >= most_steps_traced) return;
    record.trace = trace_.size();
    trace_.push_back({{number, printable(text, longest_quote)},
                      candidates(number, hit),
                      catalogue_->diagnosis_of(*hit.entry).id,
                      ""});
}

Claim LogScan::claim_of(int pattern) const { return catalogue_->uses[static_cast<std::size_t>(pattern)].claim; }

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
LogRecord& LogScan::record_for(const Hit& hit, Captures captures, std::uint64_t number) {
    EntryState& state = states_[*hit.entry];
    const bool is_full = state.records >= most_records_an_entry || state.captures >= most_captures_an_entry;
    const auto signal = hit.signal ? hit.signal : signal_;
    const auto marks = marks_before(number, catalogue_->entries[*hit.entry]);
    const Key key{*hit.entry, signal, marks, captures};
    const auto found = by_key_.find(key);
    if (found != by_key_.end()) {
        state.latest = found->second;
    } else if (!is_full || state.records == 0) {
        state.latest = records_.size();
        ++state.records;
        by_key_.emplace(key, records_.size());
        LogRecord record;
        record.entry = *hit.entry;
        record.signal = signal;
        record.marks = marks;
        record.captures = std::move(captures);
        records_.push_back(std::move(record));
    }
    return records_[state.latest];
}

LogRecord& LogScan::record(const Hit& hit, std::uint64_t number, std::string_view text) {
    LogRecord& record = record_for(hit, capture(hit, text), number);
    trace(record, hit, number, text);
    // A piece of a long line that was seen already.
    if (record.latest_line == number) return record;
    record.latest_line = number;
    if (is_stronger(hit.claim, record.claim)) record.claim = hit.claim;
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
    if (hit.tells_why() && is_whole) {
        lines_to_join_ = 0;
    } else if (hit.opens && (lines_to_join_ == 0 || hit.entry)) {
        open_text_ = line;
        open_line_ = number;
        open_record_.reset();
        if (hit.tells_why()) open_record_ = states_[*hit.entry].latest;
        lines_to_join_ = most_joined_lines;
    } else if (lines_to_join_ > 0) {
        join(number, line);
    }
}

void LogScan::join(std::uint64_t number, std::string_view line) {
    --lines_to_join_;
    if (open_text_.size() + line.size() + 1 > longest_joined) {
        lines_to_join_ = 0;
        return;
    }
    open_text_ += ' ';
    open_text_ += line;
    const Hit joined = look(number, open_text_);
    if (!joined.tells_why()) return;
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
    const Hit hit = look(number, line);
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
