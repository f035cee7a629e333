#include "explain/catalogue.hpp"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include <gpushard/index_limits.hpp>

#include "report/json_reader.hpp"

namespace gpushard {
namespace {

constexpr std::size_t most_entries = 10'000;
constexpr std::size_t most_texts = 64;
constexpr std::int64_t largest_count = 1'000'000'000'000;

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

Claim parse_claim(const std::string& text) {
    for (const Claim claim : {Claim::cause, Claim::guess, Claim::symptom, Claim::notice}) {
        if (to_string(claim) == text) return claim;
    }
    throw InvalidArgument("unknown claim");
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
        read_named_patterns(document, "signals", PatternUse::Of::signal, catalogue_.signals);
        read_named_patterns(document, "marks", PatternUse::Of::mark, catalogue_.marks);
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

    void read_named_patterns(const JsonReader& document, const char* key, PatternUse::Of of,
                             std::vector<std::string>& names) {
        if (!document.has(key)) return;
        for (const JsonReader& one : document[key].elements(most_entries)) {
            names.push_back(sentence(one["id"]));
            add_patterns(one["patterns"], of, names.size() - 1);
        }
    }

    static Claim claim_in(const JsonReader& json, Claim otherwise) {
        if (!json.has("claim")) return otherwise;
        return json["claim"].parsed(parse_claim, "cause, guess, symptom or notice");
    }

    /// A pattern is a text, or, where its words are surer or less sure than the others, a text and a claim.
    void add_patterns(const JsonReader& json, PatternUse::Of of, std::size_t number, Claim claim = Claim::cause) {
        const std::vector<JsonReader> patterns = json.elements(most_texts);
        if (patterns.empty()) throw json.wrong("at least 1 pattern");
        for (const JsonReader& element : patterns) {
            const JsonReader pattern = element.is_object() ? element["pattern"] : element;
            const std::string problem = catalogue_.patterns.add(pattern.string());
            if (!problem.empty()) throw pattern.wrong("a pattern of RE2, but it " + problem);
            catalogue_.uses.push_back({of, number, element.is_object() ? claim_in(element, claim) : claim});
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
        if (json.has("symptom")) throw json["symptom"].wrong("\"claim\": \"symptom\" in its place");
        diagnosis.is_about_vectors = json.has("vectors") && json["vectors"].boolean();
        for (const char* needed : {"title", "meaning", "remedies", "sources"}) json[needed];
        read_texts(json, diagnosis);
        CatalogueEntry entry;
        entry.diagnosis = add(diagnosis, json["id"]);
        const std::size_t number = catalogue_.entries.size();
        add_patterns(json["patterns"], PatternUse::Of::entry, number, claim_in(json, Claim::cause));
        catalogue_.entries.push_back(std::move(entry));
        if (json.has("needs")) {
            catalogue_.entries.back().needs = read_condition(json["needs"]).mark;
            if (!catalogue_.entries.back().needs) throw json["needs"].wrong("'mark:' and the id of a mark");
        }
        if (!json.has("cases")) return;
        for (const JsonReader& one : json["cases"].elements(most_texts)) read_case(one, diagnosis, number);
        std::vector<std::size_t>& marks = catalogue_.entries[number].marks;
        for (const DiagnosisCase& one : catalogue_.entries[number].cases) {
            if (one.when.mark) marks.push_back(*one.when.mark);
        }
    }

    void read_case(const JsonReader& json, const Diagnosis& general, std::size_t entry) {
        std::vector<DiagnosisCase>& cases = catalogue_.entries[entry].cases;
        cases.push_back({read_condition(json["when"]), std::nullopt, 0});
        if (json.has("claim")) cases.back().claim = claim_in(json, Claim::cause);
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

    static std::optional<std::size_t> position(const std::vector<std::string>& names, const std::string& name) {
        const auto found = std::find(names.begin(), names.end(), name);
        if (found == names.end()) return std::nullopt;
        return static_cast<std::size_t>(found - names.begin());
    }

    CaseCondition read_condition(const JsonReader& json) const {
        const std::string text = sentence(json);
        CaseCondition condition;
        condition.text = text;
        if (text.starts_with("signal:")) {
            condition.signal = position(catalogue_.signals, text.substr(7));
            if (!condition.signal) throw json.wrong("the id of a signal after 'signal:'");
        } else if (text.starts_with("mark:")) {
            condition.mark = position(catalogue_.marks, text.substr(5));
            if (!condition.mark) throw json.wrong("the id of a mark after 'mark:'");
        } else if (text.starts_with("amount:")) {
            try {
                condition.role = parse_role(text.substr(7));
            } catch (const InvalidArgument&) {
                throw json.wrong(
                    "whole_f32, whole_f16, share_f32, share_f16, norms, temp_stack or pinned after 'amount:'");
            }
        } else {
            throw json.wrong("'signal:', 'mark:' or 'amount:' and a name");
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
