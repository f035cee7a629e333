#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <gpushard/explain.hpp>

#include "explain/catalogue.hpp"

namespace gpushard {

/// Lines that say the same: one entry, and the same numbers where it captures any.
struct LogRecord {
    std::size_t entry = 0;
    std::optional<std::size_t> signal;  ///< the work that was going on, by the lines before
    std::set<std::size_t> marks;        ///< of those its entry asks for: what was said a little before, or here
    Captures captures;
    std::vector<QuotedLine> lines;  ///< the first
    std::uint64_t repeats = 0;
    std::uint64_t latest_line = 0;
    Claim claim = Claim::notice;       ///< the strongest of its lines
    std::optional<std::size_t> trace;  ///< its step
};

/// Finds the lines that matter, one line after another, in bounded memory.
class LogScan {
public:
    static constexpr std::size_t most_records_an_entry = 16;
    static constexpr std::size_t longest_quote = 400;
    static constexpr int most_joined_lines = 3;
    static constexpr std::size_t longest_joined = 16384;
    static constexpr std::uint64_t most_captures_an_entry = 2000;
    static constexpr std::uint64_t lines_a_mark_holds = 200;
    static constexpr std::size_t most_steps_traced = 200;

    explicit LogScan(const Catalogue& catalogue, bool traces = false)
        : catalogue_(&catalogue), traces_(traces), states_(catalogue.entries.size()), marked_(catalogue.marks.size()) {}

    void take(std::uint64_t number, std::string_view line);

    const std::vector<LogRecord>& records() const { return records_; }
    const std::set<std::int64_t>& cards() const { return cards_; }
    const std::vector<TraceStep>& trace() const { return trace_; }

    /// How much was done: texts the patterns were tried on, their bytes, and lines that were taken apart.
    struct Work {
        std::uint64_t matched_texts = 0;
        std::uint64_t matched_bytes = 0;
        std::uint64_t captures = 0;
    };
    const Work& work() const { return work_; }

private:
    /// What a text says, and the entry that explains it by the rule of precedence.
    struct Hit {
        std::optional<std::size_t> entry;
        int pattern = -1;
        Claim claim = Claim::notice;
        bool opens = false;  ///< an error text that may go on in the next line
        std::optional<std::size_t> signal;

        bool tells_why() const { return entry && (claim == Claim::cause || claim == Claim::guess); }
    };
    Hit look(std::uint64_t number, std::string_view text);
    std::set<std::size_t> marks_before(std::uint64_t number, const CatalogueEntry& entry) const;
    bool is_marked(std::uint64_t number, std::size_t mark) const;
    bool applies(std::uint64_t number, const CatalogueEntry& entry) const;
    std::vector<TraceCandidate> candidates(std::uint64_t number, const Hit& hit) const;
    Claim claim_of(int pattern) const;
    void trace(LogRecord& record, const Hit& hit, std::uint64_t number, std::string_view text);
    LogRecord& record(const Hit& hit, std::uint64_t number, std::string_view text);
    LogRecord& record_for(const Hit& hit, Captures captures, std::uint64_t number);
    Captures capture(const Hit& hit, std::string_view text);
    void follow(std::uint64_t number, std::string_view line, const Hit& hit, bool is_whole);
    void join(std::uint64_t number, std::string_view line);

    using Key = std::tuple<std::size_t, std::optional<std::size_t>, std::set<std::size_t>, Captures>;

    const Catalogue* catalogue_;
    bool traces_;
    std::vector<LogRecord> records_;
    std::map<Key, std::size_t> by_key_;
    struct EntryState {
        std::uint64_t captures = 0;
        std::size_t records = 0;
        std::size_t latest = 0;  ///< its latest record
    };
    std::vector<EntryState> states_;                    ///< of each entry
    std::vector<std::optional<std::uint64_t>> marked_;  ///< the latest line of each mark
    std::vector<TraceStep> trace_;
    std::set<std::int64_t> cards_;
    std::optional<std::size_t> signal_;  ///< the latest
    std::vector<int> numbers_;
    std::string open_text_;
    std::uint64_t open_line_ = 0;
    std::optional<std::size_t> open_record_;  ///< of what the opening line says by itself, without its number
    int lines_to_join_ = 0;
    Work work_;
};

}  // namespace gpushard
