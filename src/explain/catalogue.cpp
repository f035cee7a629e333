#include "explain/catalogue.hpp"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "report/json_reader.hpp"

namespace gpushard {
namespace {

constexpr std::size_t most_entries = 10'000;
constexpr std::size_t most_texts = 64;
constexpr std::int64_t largest_count = 1'000'000'000'000;
constexpr std::int64_t largest_dim = 1 << 20;

ErrorKind parse_kind(const std::string& text) {
    for (const ErrorKind kind : {ErrorKind::invalid_argument, ErrorKind::insufficient_memory, ErrorKind::bad_file,
                                 ErrorKind::device, ErrorKind::cancelled, ErrorKind::internal}) {
        if (to_string(kind) == text) return kind;
    }
    throw InvalidArgument("unknown kind");
}

AmountRole parse_role(const std::string& text) {
    for (const AmountRole role :
         {AmountRole::whole_f32, AmountRole::whole_f16, AmountRole::share_f32, AmountRole::share_f16, AmountRole::norms,
          AmountRole::temp_stack, AmountRole::pinned}) {
        if (to_string(role) == text) return role;
    }
    throw InvalidArgument("unknown role");
}

Metric parse_metric(const std::string& text) {
    for (const Metric metric : {Metric::inner_product, Metric::l2}) {
        if (to_string(metric) == text) return metric;
    }
    throw InvalidArgument("unknown metric");
}

Precision parse_stored(const std::string& text) {
    for (const Precision precision : {Precision::f32, Precision::f16}) {
        if (to_string(precision) == text) return precision;
    }
    throw InvalidArgument("unknown precision");
}

/// A text that says something.
std::string sentence(const JsonReader& json) {
    std::string text = json.string();
    if (text.empty()) throw json.wrong("a text that is not empty");
    return text;
}

std::vector<std::string> sentences(const JsonReader& json, std::size_t least) {
    std::vector<std::string> texts;
    for (const JsonReader& element : json.elements(most_texts)) texts.push_back(sentence(element));
    if (texts.size() < least) throw json.wrong("at least " + std::to_string(least) + " text");
    return texts;
}

class CatalogueReader {
public:
    void read_signals(const JsonReader& document) {
        if (!document.has("signals")) return;
        for (const JsonReader& signal : document["signals"].elements(most_entries)) {
            catalogue_.signals.push_back(sentence(signal["id"]));
            add_patterns(signal["patterns"], PatternUse::Of::signal, catalogue_.signals.size() - 1);
        }
    }

    void read_entries(const JsonReader& document) {
        if (document.has("openings")) add_patterns(document["openings"], PatternUse::Of::opening, 0);
        for (const JsonReader& entry : document["entries"].elements(most_entries)) read_entry(entry);
    }

    void read_indexes(const JsonReader& document) {
        if (document.has("dimensions")) {
            for (const JsonReader& dim : document["dimensions"].elements(most_entries)) {
                catalogue_.dimensions.push_back(static_cast<std::int32_t>(dim.integer(1, largest_dim)));
            }
        }
        if (!document.has("indexes")) return;
        for (const JsonReader& index : document["indexes"].elements(most_entries)) {
            WellKnownIndex known;
            known.name = sentence(index["name"]);
            known.count = index["count"].integer(1, largest_count);
            known.dim = static_cast<std::int32_t>(index["dim"].integer(1, largest_dim));
            known.metric = index["metric"].parsed(parse_metric, "inner_product or l2");
            known.stored = index["stored"].parsed(parse_stored, "f32 or f16");
            known.used_by = sentence(index["used_by"]);
            known.source = source(index["source"]);
            catalogue_.indexes.push_back(std::move(known));
        }
    }

    /// Cases that take over the diagnosis of another entry, now that all are known.
    Catalogue finish() {
        for (const Reference& reference : references_) {
            const auto found = by_id_.find(reference.id);
            if (found == by_id_.end()) throw reference.problem;
            catalogue_.entries[reference.entry].cases[reference.number].diagnosis = found->second;
        }
        catalogue_.patterns.compile();
        return std::move(catalogue_);
    }

private:
    struct Reference {
        std::size_t entry;
        std::size_t number;
        std::string id;
        BadFile problem;
    };

    static std::string source(const JsonReader& json) {
        std::string link = sentence(json);
        if (!link.starts_with("https://") && !link.starts_with("http://")) throw json.wrong("a link");
        return link;
    }

    void add_patterns(const JsonReader& json, PatternUse::Of of, std::size_t number) {
        const std::vector<JsonReader> patterns = json.elements(most_texts);
        if (patterns.empty()) throw json.wrong("at least 1 pattern");
        for (const JsonReader& pattern : patterns) {
            const std::string problem = catalogue_.patterns.add(pattern.string());
            if (!problem.empty()) throw pattern.wrong("a pattern of RE2, but it " + problem);
            catalogue_.uses.push_back({of, number});
        }
    }

    std::size_t add(Diagnosis diagnosis, const JsonReader& id) {
        if (!by_id_.emplace(diagnosis.id, catalogue_.diagnoses.size()).second) throw id.wrong("an id of its own");
        catalogue_.diagnoses.push_back(std::move(diagnosis));
        return catalogue_.diagnoses.size() - 1;
    }

    static void read_texts(const JsonReader& json, Diagnosis& diagnosis) {
        if (json.has("title")) diagnosis.title = sentence(json["title"]);
        if (json.has("meaning")) diagnosis.meaning = sentence(json["meaning"]);
        if (json.has("allocation")) diagnosis.allocation = sentence(json["allocation"]);
        if (json.has("path")) diagnosis.path = sentence(json["path"]);
        if (json.has("checks")) diagnosis.checks = sentences(json["checks"], 0);
        if (json.has("remedies")) diagnosis.remedies = sentences(json["remedies"], 1);
        if (json.has("sources")) {
            diagnosis.sources.clear();
            for (const JsonReader& link : json["sources"].elements(most_texts))
                diagnosis.sources.push_back(source(link));
            if (diagnosis.sources.empty()) throw json["sources"].wrong("at least 1 link");
        }
    }

    void read_entry(const JsonReader& json) {
        Diagnosis diagnosis;
        diagnosis.id = sentence(json["id"]);
        diagnosis.kind = json["kind"].parsed(parse_kind, "insufficient_memory, device, bad_file or invalid_argument");
        diagnosis.is_symptom = json.has("symptom") && json["symptom"].boolean();
        diagnosis.is_about_vectors = json.has("vectors") && json["vectors"].boolean();
        for (const char* needed : {"title", "meaning", "remedies", "sources"}) json[needed];
        read_texts(json, diagnosis);
        CatalogueEntry entry;
        entry.diagnosis = add(diagnosis, json["id"]);
        const std::size_t number = catalogue_.entries.size();
        add_patterns(json["patterns"], PatternUse::Of::entry, number);
        catalogue_.entries.push_back(std::move(entry));
        if (!json.has("cases")) return;
        for (const JsonReader& one : json["cases"].elements(most_texts)) read_case(one, diagnosis, number);
    }

    void read_case(const JsonReader& json, const Diagnosis& general, std::size_t entry) {
        std::vector<DiagnosisCase>& cases = catalogue_.entries[entry].cases;
        cases.push_back({read_condition(json["when"]), 0});
        if (json.has("as")) {
            references_.push_back(
                {entry, cases.size() - 1, sentence(json["as"]), json["as"].wrong("the id of an entry or case")});
            return;
        }
        Diagnosis special = general;
        special.id = sentence(json["id"]);
        read_texts(json, special);
        cases.back().diagnosis = add(std::move(special), json["id"]);
    }

    CaseCondition read_condition(const JsonReader& json) const {
        const std::string text = sentence(json);
        CaseCondition condition;
        if (text.starts_with("signal:")) {
            const auto found = std::find(catalogue_.signals.begin(), catalogue_.signals.end(), text.substr(7));
            if (found == catalogue_.signals.end()) throw json.wrong("the id of a signal after 'signal:'");
            condition.signal = static_cast<std::size_t>(found - catalogue_.signals.begin());
        } else if (text.starts_with("amount:")) {
            try {
                condition.role = parse_role(text.substr(7));
            } catch (const InvalidArgument&) {
                throw json.wrong(
                    "whole_f32, whole_f16, share_f32, share_f16, norms, temp_stack or pinned after 'amount:'");
            }
        } else {
            throw json.wrong("'signal:' or 'amount:' and a name");
        }
        return condition;
    }

    Catalogue catalogue_;
    std::map<std::string, std::size_t> by_id_;
    std::vector<Reference> references_;
};

}  // namespace

IndexProfile WellKnownIndex::profile() const {
    constexpr Bytes header_bytes = 45;
    IndexProfile index;
    index.files = {"INDEX"};
    index.fourcc = metric == Metric::l2 ? "IxF2" : "IxFI";
    index.dim = dim;
    index.count = count;
    index.metric = metric;
    index.stored = stored;
    index.payload_offset = header_bytes;
    index.payload_bytes = checked_multiply(static_cast<Bytes>(count), index.row_bytes());
    index.bytes = checked_add(header_bytes, index.payload_bytes);
    return index;
}

Catalogue read_catalogue(const std::vector<CatalogueText>& texts) {
    std::vector<nlohmann::json> documents;
    for (const CatalogueText& text : texts) documents.push_back(parse_json(text.text, text.name));
    CatalogueReader reader;
    const auto for_each = [&](void (CatalogueReader::*read)(const JsonReader&)) {
        for (std::size_t i = 0; i < texts.size(); ++i) (reader.*read)(JsonReader(documents[i], texts[i].name));
    };
    for_each(&CatalogueReader::read_signals);
    for_each(&CatalogueReader::read_entries);
    for_each(&CatalogueReader::read_indexes);
    return reader.finish();
}

const Catalogue& built_in_catalogue() {
    static const Catalogue catalogue =
        read_catalogue({{std::string(built_in_catalogue_text()), "the built-in catalogue"}});
    return catalogue;
}

}  // namespace gpushard
