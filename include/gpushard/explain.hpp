#pragma once

#include <cstdint>
#include <filesystem>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gpushard/bytes.hpp>
#include <gpushard/device_info.hpp>
#include <gpushard/error.hpp>
#include <gpushard/index_profile.hpp>
#include <gpushard/placement_plan.hpp>

/// What an error of Faiss, CUDA, cuVS or a framework around them means, and what to do about it. Needs no GPU.
namespace gpushard {

struct ExplainOptions {
    std::optional<IndexProfile> index;  ///< the index that was being loaded or searched, where it is known
    std::optional<std::int32_t> dim;    ///< its dimension, where no more than that is known
    std::vector<DeviceInfo> devices;    ///< with `index`: plan for these
    std::string devices_spec;           ///< how they were typed, for the command; empty: their own specs
    PrecisionChoice precision = PrecisionChoice::stored;  ///< what to plan in
    /// Catalogues (JSON, in the form of the built-in one) whose entries are tried before the built-in ones.
    std::vector<std::filesystem::path> catalogues;
    bool trace = false;  ///< whether to say which entry matched each line, and why it was preferred
    /// The most that is read of a file or a stream, which might never end.
    Bytes most_bytes = 4_GiB;
};

/// A line of the text that was explained.
struct QuotedLine {
    std::uint64_t number = 0;  ///< from 1
    std::string text;          ///< UTF-8 of at most 400 bytes, without control characters
    bool operator==(const QuotedLine&) const = default;
};

/// What a number of bytes is in terms of an index.
enum class AmountRole {
    unknown,     ///< some vectors: rows x dim x element
    whole_f32,   ///< all vectors in float32
    whole_f16,   ///< all vectors in float16
    share_f32,   ///< one card's equal share in float32
    share_f16,   ///< one card's equal share in float16
    norms,       ///< 4 bytes for each vector
    temp_stack,  ///< Faiss's default stack of temporaries
    pinned,      ///< Faiss's page-locked buffer
};

std::string_view to_string(AmountRole role);  ///< "unknown", "whole_f32", ...

struct AmountReading {
    Bytes bytes = 0;
    AmountRole role = AmountRole::unknown;
    std::int64_t rows = 0;  ///< 0 where it is not about rows
    std::int32_t dim = 0;
    Precision precision = Precision::f32;
    int parts = 1;         ///< cards among which the index is shared, for a share
    bool is_guess = true;  ///< one of several ways to read the number; else the only one that fits what is known
    std::string text;      ///< "21,015,324 x 768 x 2 bytes (float16)"
    std::string reason;    ///< why it is read so
    bool operator==(const AmountReading&) const = default;
};

/// How sure an answer is, the strongest first.
enum class Claim {
    cause,    ///< only this makes the text
    guess,    ///< the likeliest of several causes that make the same text
    symptom,  ///< says that something failed, not why
    notice,   ///< nothing failed
};

std::string_view to_string(Claim claim);  ///< "cause", "guess", "symptom", "notice"

/// One cause (or guess, symptom, notice) that was recognised, with every line that says it.
struct Finding {
    ErrorReport report;  ///< the same shape as that of an Error of this library
    Claim claim = Claim::cause;
    std::vector<QuotedLine> lines;  ///< the first of each wording, at most 4
    std::uint64_t repeats = 0;      ///< lines that say it, the first included
    std::string allocation;         ///< what was being allocated: "float16 copy of all vectors, second of three ..."
    std::string path;               ///< by which path of Faiss: "copyFrom", "paged add, equal shards", "search"
    std::optional<Bytes> requested_bytes;
    std::optional<Bytes> free_bytes;      ///< where the text says what was free
    std::optional<Bytes> total_bytes;     ///< where the text says what the card has
    std::vector<AmountReading> readings;  ///< of requested_bytes, most likely first
};

/// An entry of the catalogue whose pattern is in a line.
struct TraceCandidate {
    std::string id;  ///< of the entry
    Claim claim = Claim::cause;
    std::string pattern;  ///< the first of the entry that matched
    bool won = false;
    std::string why;  ///< why it explains the line, or does not
};

/// How one line, or several that were read as one, came to its finding.
struct TraceStep {
    QuotedLine line;
    std::vector<TraceCandidate> candidates;  ///< as many as matched, the one that explains the line in front
    std::string chosen;                      ///< id of the finding: that of the entry, or of one of its cases
    std::string why_chosen;                  ///< which condition of the case holds; empty where there are no cases
};

/// A way to the same index in memory that was computed, not guessed.
struct WayOut {
    std::string what;      ///< "several cards: ...", "gpushard on one card: ..."
    std::string command;   ///< empty where there is none
    Bytes peak_bytes = 0;  ///< of the fullest card
};

struct Explanation {
    std::vector<Finding> findings;       ///< causes, guesses, symptoms, notices; of each, the earliest line in front
    std::vector<std::int64_t> cards;     ///< ordinals that the text names, ascending
    std::optional<IndexProfile> index;   ///< what is loaded: as given, or a well-known index of exactly this size
    std::string index_reason;            ///< why it is taken to be that
    std::optional<Precision> precision;  ///< the one it was being loaded in
    /// What stock Faiss takes of the fullest card for this index by the path of the first finding, where both are
    /// known.
    std::optional<Bytes> stock_peak_bytes;
    std::vector<WayOut> ways_out;       ///< most likely first
    std::optional<PlacementPlan> plan;  ///< for options.devices, where the index fits them
    std::string plan_command;           ///< loads by that plan, or, for cards that are not here, plans it
    std::string plan_refusal;           ///< why there is no plan
    std::uint64_t lines_read = 0;
    Bytes bytes_read = 0;
    std::vector<TraceStep> trace;  ///< where it was asked for, of the first 200 lines that said something new

    bool recognised() const { return !findings.empty(); }
};

/// Explains an error text, or a whole log. Any bytes will do. Time is linear in the text, memory is bounded whatever
/// its length: a longer line than 8 KiB is read in overlapping pieces. Pure but for reading the catalogues.
/// Thread-safe. Throws BadFile for a catalogue that is unreadable or wrong (file, entry, field), InvalidArgument for a
/// dim below 1.
Explanation explain(std::string_view text, const ExplainOptions& options = {});
/// The same, reading the text to its end. Throws BadFile where it cannot be read, or has more than options.most_bytes.
Explanation explain(std::istream& text, const ExplainOptions& options = {});
/// The same for a file, or a pipe: see read_text, and it throws what that throws.
Explanation explain_file(const std::filesystem::path& file, const ExplainOptions& options = {});

/// The report of an error of this library, and where its line wraps a text of Faiss or CUDA that the built-in
/// catalogue knows, what that means and what to try.
ErrorReport explained_report(const Error& error);

}  // namespace gpushard
