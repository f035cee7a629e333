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
    Captures captures;
    std::vector<QuotedLine> lines;  ///< the first
    std::uint64_t repeats = 0;
    std::uint64_t latest_line = 0;
};

/// Finds the lines that matter, one line after another, in bounded memory.
class LogScan {
public:
    static constexpr std::size_t most_records_an_entry = 16;
    static constexpr std::size_t longest_quote = 400;
    static constexpr int most_joined_lines = 3;
    static constexpr std::size_t longest_joined = 16384;
    static constexpr std::uint64_t most_captures_an_entry = 2000;

    explicit LogScan(const Catalogue& catalogue) : catalogue_(&catalogue), states_(catalogue.entries.size()) {}

    void take(std::uint64_t number, std::string_view line);

    const std::vector<LogRecord>& records() const { return records_; }
    const std::set<std::int64_t>& cards() const { return cards_; }

    /// How much was done: texts the patterns were tried on, their bytes, and lines that were taken apart.
    struct Work {
        std::uint64_t matched_texts = 0;
        std::uint64_t matched_bytes = 0;
        std::uint64_t captures = 0;
    };
    const Work& work() const { return work_; }

private:
    /// What a text says: the first entry that tells a cause, else the first symptom.
    struct Hit {
        std::optional<std::size_t> entry;
        int pattern = -1;
        bool is_cause = false;
        bool opens = false;  ///< an error text that may go on in the next line
        std::optional<std::size_t> signal;
    };
    Hit look(std::string_view text);
    LogRecord& record(const Hit& hit, std::uint64_t number, std::string_view text);
    LogRecord& record_for(const Hit& hit, Captures captures);
    Captures capture(const Hit& hit, std::string_view text);
    void follow(std::uint64_t number, std::string_view line, const Hit& hit, bool is_whole);
    void join(std::string_view line);

    using Key = std::tuple<std::size_t, std::optional<std::size_t>, Captures>;

    const Catalogue* catalogue_;
    std::vector<LogRecord> records_;
    std::map<Key, std::size_t> by_key_;
    struct EntryState {
        std::uint64_t captures = 0;
        std::size_t records = 0;
        std::size_t latest = 0;  ///< its latest record
    };
    std::vector<EntryState> states_;  ///< of each entry
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
