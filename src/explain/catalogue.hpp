#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gpushard/error.hpp>
#include <gpushard/explain.hpp>
#include <gpushard/index_profile.hpp>

#include "explain/pattern_set.hpp"

namespace gpushard {

/// What is said once a text has been recognised.
struct Diagnosis {
    std::string id;
    ErrorKind kind = ErrorKind::device;
    bool is_about_vectors = false;  ///< its number of bytes may be vectors, and is read so
    std::string title;
    std::string meaning;
    std::string allocation;
    std::string path;
    std::vector<std::string> checks;
    std::vector<std::string> remedies;
    std::vector<std::string> sources;
};

/// Under which another diagnosis than the first holds: what the lines before were about, what one of them or the line
/// itself says, or what the number is.
struct CaseCondition {
    std::string text;  ///< as the catalogue writes it
    std::optional<std::size_t> signal;
    std::optional<std::size_t> mark;
    std::optional<AmountRole> role;
};

struct DiagnosisCase {
    CaseCondition when;
    std::optional<Claim> claim;  ///< in place of that of the pattern: the condition makes it more certain, or less
    std::size_t diagnosis = 0;
};

/// Patterns that are told apart further by cases, the first that holds.
struct CatalogueEntry {
    std::size_t diagnosis = 0;
    std::vector<DiagnosisCase> cases;
    std::vector<std::size_t> marks;    ///< those that its cases ask for
    std::optional<std::size_t> needs;  ///< the mark without which its words say nothing
};

/// An index that many people load, told by its size.
struct WellKnownIndex {
    std::string name;
    std::int64_t count = 0;
    std::int32_t dim = 0;
    Metric metric = Metric::inner_product;
    Precision stored = Precision::f32;
    std::string used_by;
    std::string source;

    IndexProfile profile() const;
};

/// What a pattern stands for.
struct PatternUse {
    enum class Of { entry, signal, mark, opening };
    Of of = Of::entry;
    std::size_t number = 0;
    Claim claim = Claim::cause;  ///< of an entry: how sure its words make it
};

struct Catalogue {
    std::vector<Diagnosis> diagnoses;
    std::vector<CatalogueEntry> entries;  ///< in the order they are tried
    std::vector<std::string> signals;     ///< names of what lines can tell of the work that was going on
    std::vector<std::string> marks;       ///< names of what lines can tell beside that, and later lines need
    std::vector<WellKnownIndex> indexes;
    std::vector<std::int32_t> dimensions;  ///< of common embeddings, most likely first
    PatternSet patterns;
    std::vector<PatternUse> uses;  ///< of each pattern

    /// What is said of an entry of which no case holds.
    const Diagnosis& diagnosis_of(std::size_t entry) const { return diagnoses[entries[entry].diagnosis]; }
};

/// A catalogue as text, and what messages call it.
struct CatalogueText {
    std::string text;
    std::string name;
};

/// Reads and checks catalogues; entries of earlier ones are tried first. Throws BadFile that names the text, the entry
/// and the field.
Catalogue read_catalogue(const std::vector<CatalogueText>& texts);

/// The one that is compiled into the library.
std::string_view built_in_catalogue_text();
const Catalogue& built_in_catalogue();

}  // namespace gpushard
