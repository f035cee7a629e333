#include <algorithm>
#include <charconv>
#include <cstddef>
#include <map>
#include <memory>
#include <new>

#include <gpushard/byte_source.hpp>
#include <gpushard/explain.hpp>
#include <gpushard/index_limits.hpp>

#include "explain/advice.hpp"
#include "explain/amounts.hpp"
#include "explain/catalogue.hpp"
#include "explain/log_lines.hpp"
#include "explain/log_scan.hpp"
#include "explain/precedence.hpp"
#include "report/json_reader.hpp"

namespace gpushard {
namespace {

constexpr std::size_t block_bytes = 256 << 10;
constexpr std::size_t most_lines_quoted = 4;

const std::string* captured(const LogRecord& record, std::string_view name) {
    for (const auto& [captured_name, value] : record.captures) {
        if (captured_name == name) return &value;
    }
    return nullptr;
}

/// A number of bytes as a log writes it: "32279537664", "20.00 MiB", "0 bytes", "19.77" of GiB.
std::optional<Bytes> bytes_in(std::string text, const char* unit_if_none) {
    if (const std::size_t word = text.find(" bytes"); word != std::string::npos) text.resize(word);
    const bool has_unit = text.find_first_not_of("0123456789. ") != std::string::npos;
    const bool has_point = text.find('.') != std::string::npos;
    try {
        return parse_bytes(!has_unit && has_point ? text + unit_if_none : text);
    } catch (const InvalidArgument&) {
        // Beyond 2^63: a size that wrapped around, which is a number all the same.
        Bytes value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
        return value;
    }
}

std::optional<Bytes> captured_bytes(const LogRecord& record, std::string_view exact, std::string_view with_unit) {
    if (!exact.empty()) {
        if (const std::string* text = captured(record, exact)) return bytes_in(*text, "");
    }
    if (const std::string* text = captured(record, with_unit)) return bytes_in(*text, "GiB");
    return std::nullopt;
}

/// Turns what the scan recorded into findings.
class Reader {
public:
    Reader(const Catalogue& catalogue, const ExplainOptions& options) : catalogue_(&catalogue), options_(&options) {}

    void read(const LogRecord& record, std::vector<TraceStep>& trace) {
        const auto requested = captured_bytes(record, "bytes", "size");
        const bool is_exact = captured(record, "bytes") != nullptr;
        const CatalogueEntry& entry = catalogue_->entries[record.entry];
        const Diagnosis& general = catalogue_->diagnoses[entry.diagnosis];
        std::vector<AmountReading> readings;
        if (requested && is_exact) readings = read_amount(*requested, context(general));
        if (readings.empty()) readings = read_array_shape(record);
        const DiagnosisCase* special = choose(entry, record, readings);
        const std::size_t number = special == nullptr ? entry.diagnosis : special->diagnosis;
        const Claim claim = special != nullptr && special->claim ? *special->claim : record.claim;
        if (record.trace) note_choice(entry, special, trace.at(*record.trace));
        const auto found = by_diagnosis_.find(number);
        if (found == by_diagnosis_.end()) {
            by_diagnosis_[number] = findings_.size();
            findings_.push_back(make(catalogue_->diagnoses[number], record, requested, std::move(readings)));
            findings_.back().claim = claim;
        } else {
            add(findings_[found->second], record, claim);
        }
    }

    /// In the order that precedence.hpp states.
    std::vector<Finding> finish() {
        std::stable_sort(findings_.begin(), findings_.end(), [](const Finding& a, const Finding& b) {
            if (a.claim != b.claim) return is_stronger(a.claim, b.claim);
            return a.lines.front().number < b.lines.front().number;
        });
        return std::move(findings_);
    }

private:
    AmountContext context(const Diagnosis& diagnosis) const {
        return {catalogue_, options_->index ? &*options_->index : nullptr, options_->dim, diagnosis.is_about_vectors};
    }

    /// NumPy says rows and dimension itself.
    static std::vector<AmountReading> read_array_shape(const LogRecord& record) {
        const std::string* rows = captured(record, "rows");
        const std::string* dims = captured(record, "dims");
        if (rows == nullptr || dims == nullptr) return {};
        AmountReading reading;
        const auto [rows_end, rows_error] = std::from_chars(rows->data(), rows->data() + rows->size(), reading.rows);
        const auto [dims_end, dims_error] = std::from_chars(dims->data(), dims->data() + dims->size(), reading.dim);
        constexpr std::int64_t most_rows = std::int64_t{1} << 40;
        if (rows_error != std::errc{} || dims_error != std::errc{} || reading.rows > most_rows ||
            reading.dim > largest_dim) {
            return {};
        }
        reading.bytes = static_cast<Bytes>(reading.rows) * static_cast<Bytes>(reading.dim) * 4;
        reading.is_guess = false;
        reading.text = shape_text(reading.rows, reading.dim, Precision::f32);
        reading.reason = "the shape in the line, in float32";
        return {reading};
    }

    /// The first case that holds; null where none does.
    static const DiagnosisCase* choose(const CatalogueEntry& entry, const LogRecord& record,
                                       const std::vector<AmountReading>& readings) {
        for (const DiagnosisCase& one : entry.cases) {
            const bool signal_fits = !one.when.signal || one.when.signal == record.signal;
            const bool role_fits = !one.when.role || (!readings.empty() && !readings.front().is_guess &&
                                                      readings.front().role == *one.when.role);
            const bool mark_fits = !one.when.mark || record.marks.contains(*one.when.mark);
            if (signal_fits && role_fits && mark_fits) return &one;
        }
        return nullptr;
    }

    void note_choice(const CatalogueEntry& entry, const DiagnosisCase* special, TraceStep& step) const {
        if (special != nullptr) {
            step.chosen = catalogue_->diagnoses[special->diagnosis].id;
            step.why_chosen = "its case '" + special->when.text + "' holds";
        } else if (!entry.cases.empty()) {
            step.why_chosen = "none of its " + std::to_string(entry.cases.size()) + " cases holds";
        }
    }

    static Finding make(const Diagnosis& diagnosis, const LogRecord& record, std::optional<Bytes> requested,
                        std::vector<AmountReading> readings) {
        Finding finding;
        ErrorReport& report = finding.report;
        report.kind = diagnosis.kind;
        report.id = diagnosis.id;
        report.message = diagnosis.title;
        report.meaning = diagnosis.meaning;
        report.remedies = diagnosis.remedies;
        report.checks = diagnosis.checks;
        report.sources = diagnosis.sources;
        for (const auto& [name, value] : record.captures) report.fields.emplace_back(name, value);
        finding.allocation = diagnosis.allocation;
        finding.path = diagnosis.path;
        finding.requested_bytes = requested;
        if (!requested && !readings.empty()) finding.requested_bytes = readings.front().bytes;
        finding.free_bytes = captured_bytes(record, "free", "free_size");
        finding.total_bytes = captured_bytes(record, "", "total_size");
        finding.readings = std::move(readings);
        finding.lines = record.lines;
        finding.repeats = record.repeats;
        return finding;
    }

    static void add(Finding& finding, const LogRecord& record, Claim claim) {
        if (is_stronger(claim, finding.claim)) finding.claim = claim;
        finding.repeats += record.repeats;
        if (finding.lines.size() < most_lines_quoted && !record.lines.empty()) {
            finding.lines.push_back(record.lines.front());
        }
        if (!finding.free_bytes) finding.free_bytes = captured_bytes(record, "free", "free_size");
    }

    const Catalogue* catalogue_;
    const ExplainOptions* options_;
    std::vector<Finding> findings_;
    std::map<std::size_t, std::size_t> by_diagnosis_;
};

std::optional<Precision> precision_of(const ExplainOptions& options, const Finding& first) {
    if (options.precision == PrecisionChoice::f32) return Precision::f32;
    if (options.precision == PrecisionChoice::f16) return Precision::f16;
    if (options.precision == PrecisionChoice::bf16) return Precision::bf16;
    if (first.readings.empty() || first.readings.front().is_guess) return std::nullopt;
    switch (first.readings.front().role) {
        case AmountRole::whole_f16:
        case AmountRole::share_f16:
            return Precision::f16;
        case AmountRole::whole_f32:
        case AmountRole::share_f32:
            // Staging in float32 is what a float16 copy begins with.
            return first.allocation.find("staging") != std::string::npos &&
                           first.allocation.find("or storage") == std::string::npos
                       ? Precision::f16
                       : Precision::f32;
        default:
            return std::nullopt;
    }
}

void recognise_index(const Catalogue& catalogue, const ExplainOptions& options, Explanation& explanation) {
    if (options.index) {
        explanation.index = options.index;
        explanation.index_reason = "the index that was given";
    }
    if (explanation.findings.empty()) return;
    const Finding& first = explanation.findings.front();
    explanation.precision = precision_of(options, first);
    if (options.index || options.dim || !first.requested_bytes) return;
    if (first.readings.empty() || first.readings.front().is_guess || first.readings.front().rows == 0) return;
    if (const WellKnownIndex* known = well_known_index(*first.requested_bytes, catalogue)) {
        explanation.index = known->profile();
        explanation.index_reason =
            "the size is exactly that of " + known->name + ", loaded by " + known->used_by + " (" + known->source + ")";
    }
}

/// The built-in catalogue, or one that begins with those of the options.
class CatalogueChoice {
public:
    explicit CatalogueChoice(const ExplainOptions& options) {
        if (options.catalogues.empty()) return;
        std::vector<CatalogueText> texts;
        for (const std::filesystem::path& path : options.catalogues) {
            texts.push_back({read_json_file(path), path.string()});
        }
        texts.push_back({std::string(built_in_catalogue_text()), "the built-in catalogue"});
        own_ = std::make_unique<Catalogue>(read_catalogue(texts));
    }
    const Catalogue& get() const { return own_ ? *own_ : built_in_catalogue(); }

private:
    std::unique_ptr<Catalogue> own_;
};

template <typename Feed>
Explanation explain_fed(const ExplainOptions& options, Feed feed) {
    if (options.dim && *options.dim < 1) {
        throw InvalidArgument("dim is " + std::to_string(*options.dim) + ", expected at least 1");
    }
    const CatalogueChoice catalogue(options);
    LogScan scan(catalogue.get(), options.trace);
    LogLines lines([&scan](std::uint64_t number, std::string_view line) { scan.take(number, line); });
    Explanation explanation;
    explanation.bytes_read = feed(lines);
    lines.finish();
    explanation.lines_read = lines.lines_read();
    Reader reader(catalogue.get(), options);
    explanation.trace = scan.trace();
    for (const LogRecord& record : scan.records()) reader.read(record, explanation.trace);
    explanation.findings = reader.finish();
    explanation.cards.assign(scan.cards().begin(), scan.cards().end());
    recognise_index(catalogue.get(), options, explanation);
    add_advice(options, explanation);
    return explanation;
}

}  // namespace

Explanation explain(std::string_view text, const ExplainOptions& options) {
    return explain_fed(options, [text](LogLines& lines) {
        lines.feed(text);
        return static_cast<Bytes>(text.size());
    });
}

Explanation explain(std::istream& text, const ExplainOptions& options) {
    return explain_fed(options, [&](LogLines& lines) {
        Bytes read = 0;
        std::string block(block_bytes, '\0');
        while (text) {
            text.read(block.data(), static_cast<std::streamsize>(block.size()));
            const auto got = static_cast<std::size_t>(text.gcount());
            lines.feed(std::string_view(block).substr(0, got));
            read += got;
            if (read > options.most_bytes) {
                throw BadFile("the text has more than " + std::to_string(options.most_bytes) + " bytes",
                              {"pass the end of it alone: ... | tail -c 1G | gpushard explain"});
            }
        }
        if (text.bad()) throw BadFile("the text cannot be read after " + std::to_string(read) + " bytes");
        return read;
    });
}

Explanation explain_file(const std::filesystem::path& file, const ExplainOptions& options) {
    return explain_fed(options, [&](LogLines& lines) {
        Bytes read = 0;
        read_text(file, options.most_bytes, [&](std::string_view block) {
            lines.feed(block);
            read += block.size();
        });
        return read;
    });
}

namespace {

/// The catalogue takes a few MiB when it is first used, and the process ends where RE2 does not get them: not what an
/// error that says that memory ran out should end with.
bool has_memory_to_explain() {
    constexpr std::size_t enough = 32 << 20;
    const std::unique_ptr<volatile char[]> room(new (std::nothrow) volatile char[enough]);
    if (room == nullptr) return false;
    room[0] = 0;  // used, so that a compiler does not leave the allocation out
    return true;
}

}  // namespace

ErrorReport explained_report(const Error& error) {
    ErrorReport report = error.report();
    const bool may_wrap = error.kind() == ErrorKind::device || error.kind() == ErrorKind::internal ||
                          error.kind() == ErrorKind::insufficient_memory;
    if (!may_wrap || !has_memory_to_explain()) return report;
    const Explanation explanation = explain(std::string_view(report.message));
    if (!explanation.recognised() || explanation.findings.front().claim == Claim::notice) return report;
    const ErrorReport& known = explanation.findings.front().report;
    report.id = known.id;
    report.meaning = (explanation.findings.front().claim == Claim::guess ? "a guess: " : "") + known.meaning;
    report.checks = known.checks;
    report.sources = known.sources;
    report.remedies.insert(report.remedies.end(), known.remedies.begin(), known.remedies.end());
    return report;
}

}  // namespace gpushard
