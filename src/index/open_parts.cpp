#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gpushard/error.hpp>
#include <gpushard/index_inspector.hpp>

#include "index/file_source.hpp"
#include "index/index_cursor.hpp"
#include "index/part_names.hpp"
#include "index/parts_beside.hpp"
#include "index/parts_source.hpp"
#include "index/type_names.hpp"

namespace gpushard {
namespace {

using Paths = std::vector<std::filesystem::path>;
using Files = std::vector<std::shared_ptr<const FileSource>>;

std::vector<std::string> texts(const Paths& paths) { return {paths.begin(), paths.end()}; }

std::vector<std::string> file_names(const Paths& paths) {
    std::vector<std::string> names;
    for (const auto& path : paths) names.push_back(path.filename().string());
    return names;
}

Files open_all(const Paths& paths) {
    Files files;
    for (const auto& path : paths) files.push_back(std::make_shared<FileSource>(path));
    return files;
}

std::shared_ptr<ByteSource> joined(const Files& files) {
    return std::make_shared<PartsSource>(std::vector<std::shared_ptr<const ByteSource>>(files.begin(), files.end()));
}

bool is_whole_index(const ByteSource& source) {
    try {
        inspect_index(source);
        return true;
    } catch (const BadFile&) {
        return false;
    }
}

bool are_a_whole_index(const Paths& parts) {
    try {
        return is_whole_index(*joined(open_all(parts)));
    } catch (const BadFile&) {
        return false;
    }
}

/// Whether it begins with the type code of some index.
bool begins_as_index(const ByteSource& source) {
    std::string type_code(4, '\0');
    if (source.size() < type_code.size()) return false;
    source.read(0, type_code.data(), type_code.size());
    return !class_name(type_code).empty();
}

bool is_there(const std::filesystem::path& path) {
    std::error_code unknown;
    return std::filesystem::is_regular_file(path, unknown);
}

/// The piece of this name beside one of the parts; empty where there is none.
std::filesystem::path find_beside(const Paths& parts, const std::string& name) {
    for (const auto& part : parts) {
        if (is_there(part.parent_path() / name)) return part.parent_path() / name;
    }
    return {};
}

/// The whole run that the parts are of: those that are named, and for the gaps those beside them; none where one is
/// missing.
std::vector<std::string> in_right_order(const NameOrder& order, const Paths& parts,
                                        const std::vector<std::uint64_t>& whole) {
    std::map<std::uint64_t, std::filesystem::path> known;
    for (std::size_t i = 0; i < parts.size(); ++i) known.emplace(order.numbers[i], parts[i]);
    std::vector<std::string> files;
    for (const std::uint64_t number : whole) {
        const auto found = known.find(number);
        const std::filesystem::path path =
            found != known.end() ? found->second : find_beside(parts, order.naming.name_of(number));
        if (path.empty()) return {};
        files.push_back(path.string());
    }
    return files;
}

/// All pieces of the run of these parts, where there are more beside them and together they are an index; none else.
Paths whole_beside(const Paths& parts) {
    for (const PiecesBeside& run : pieces_beside(parts.front())) {
        Paths all = run.from(run.first());
        if (all.size() > parts.size() && are_a_whole_index(all)) return all;
    }
    return {};
}

void refuse_disorder(const Paths& parts) {
    const NameOrder order = order_of(file_names(parts));
    if (order.verdict != NameOrder::Verdict::wrong) return;
    // Names that say how many there are count from 0 where there is a piece 0.
    std::vector<std::uint64_t> numbers = order.numbers;
    if (order.naming.total && !find_beside(parts, order.naming.name_of(0)).empty()) numbers.push_back(0);
    const std::vector<std::uint64_t> whole = whole_run(order.naming, numbers);
    std::vector<std::string> files = in_right_order(order, parts, whole);
    if (!files.empty()) {
        const Paths more = whole_beside({files.begin(), files.end()});
        if (!more.empty()) files = texts(more);
    }
    throw WrongParts(
        describe_disorder(order, file_names(parts), whole) + ", expected the parts of an index in their order",
        texts(parts), std::move(files));
}

void refuse_the_same_file(const Files& files, const Paths& parts) {
    std::map<std::pair<std::uint64_t, std::uint64_t>, const FileSource*> seen;
    for (const auto& file : files) {
        const auto [first, is_new] = seen.emplace(file->place(), file.get());
        if (is_new) continue;
        const std::string& other = first->second->name();
        throw WrongParts((other == file->name() ? other + " is named twice"
                                                : other + " and " + file->name() + " are the same file") +
                             ", expected the parts of an index, each once",
                         texts(parts), {});
    }
}

void refuse_whole_indexes(const Files& files) {
    std::vector<std::string> whole;
    for (const auto& file : files) {
        if (begins_as_index(*file) && is_whole_index(*file)) whole.push_back(file->name());
    }
    if (whole.size() < 2) return;
    throw InvalidArgument(listed(whole) + " are whole indexes by themselves, expected one, or the parts of one",
                          {"name one of them"});
}

void refuse_too_few(const Paths& parts) {
    const Paths all = whole_beside(parts);
    if (all.empty()) return;
    throw WrongParts("the " + std::to_string(parts.size()) + " parts that are named are not all: there are " +
                         std::to_string(all.size()) + ", from " + all.front().filename().string() + " to " +
                         all.back().filename().string(),
                     texts(parts), texts(all));
}

/// Says what the parts lack where they are no index. What they are instead is for the inspector to say.
void check_ends(const ByteSource& source, const Paths& parts) {
    try {
        inspect_index(source);
    } catch (TruncatedFile& problem) {
        refuse_too_few(parts);
        const NameOrder order = order_of(file_names(parts));
        if (order.verdict == NameOrder::Verdict::no_run) return;
        problem.add_hint(order.naming.name_of(order.numbers.back() + 1) + " would be the next part");
        throw;
    } catch (const BadFile&) {
        refuse_too_few(parts);
    }
}

/// `file` is a later piece of this run, whose first piece begins an index.
void refuse_later_piece(const FileSource& file, const PiecesBeside& run) {
    const std::uint64_t first = run.first();
    if (first == run.own || !begins_as_index(FileSource(run.path_of(first)))) return;
    const Paths all = run.from(first);
    throw WrongParts(file.name() + ": is piece " + std::to_string(run.own - first + 1) + " of " +
                         std::to_string(all.size()) + " of an index, of which " + run.naming.name_of(first) +
                         " is the first",
                     {file.name()}, texts(all));
}

/// `file` is the first piece of this run, and others that must be there are not.
void refuse_missing_pieces(const FileSource& file, const PiecesBeside& run) {
    if (!is_plausible_run(run.naming, run.numbers) || run.own > 1) return;
    std::vector<std::string> missing;
    for (const std::uint64_t number : whole_run(run.naming, run.numbers)) {
        if (!run.has(number)) missing.push_back(run.naming.name_of(number));
    }
    if (missing.empty()) return;
    throw BadFile(
        file.name() + ": is the first piece of an index, and " + listed(missing) +
            (missing.size() == 1 ? " is" : " are") + " missing beside it",
        {"put " + std::string(missing.size() == 1 ? "it" : "them") + " beside it, or name the parts in order"},
        {{"file", file.name()}});
}

/// `file` and those that follow it are the pieces of an index, and the last of them are not there.
void refuse_missing_end(const FileSource& file, const PiecesBeside& run) {
    const Paths pieces = run.from(run.own);
    const std::string next = run.naming.name_of(run.own + pieces.size());
    throw BadFile(file.name() + ": is the first of " + std::to_string(pieces.size()) +
                      " pieces of an index that does not end with " + pieces.back().filename().string() + ": " + next +
                      " is missing beside it",
                  {"put the missing pieces beside it, or name the parts in order"}, {{"file", file.name()}});
}

/// The index that the first of its pieces begins, with those beside it; nothing where they are none.
std::shared_ptr<ByteSource> with_pieces_beside(const FileSource& file, const std::filesystem::path& path) {
    std::optional<PiecesBeside> ends_early;
    for (const PiecesBeside& run : pieces_beside(path)) {
        const Files pieces = open_all(run.from(run.own));
        // Each an index of its own: names that count, but no pieces.
        if (std::any_of(pieces.begin() + 1, pieces.end(), [](const auto& piece) { return begins_as_index(*piece); })) {
            continue;
        }
        std::shared_ptr<ByteSource> whole = joined(pieces);
        try {
            inspect_index(*whole);
            return whole;
        } catch (const TruncatedFile&) {
            refuse_missing_pieces(file, run);
            if (pieces.size() > 1 && !ends_early) ends_early = run;
        } catch (const BadFile&) {
            // More bytes than the index has: other files with such names.
        }
    }
    if (ends_early) refuse_missing_end(file, *ends_early);
    return nullptr;
}

/// What the name alone says of a file that is no index: only names that are given to nothing but pieces.
std::string hint_of_name(const std::filesystem::path& path) {
    const std::string name = path.filename().string();
    for (const PieceNaming& naming : possible_namings(name)) {
        const std::uint64_t first = naming.alphabet.empty() ? 1 : 0;
        const std::uint64_t number = naming.number_of(name).value_or(first);
        const bool stands_apart = naming.head == "x" || naming.head.find_last_of("-_. ") + 1 == naming.head.size();
        const bool is_letters = naming.width == 2 && number < naming.alphabet.size() && stands_apart;
        const bool is_suffix = naming.tail.empty() && (naming.alphabet.empty() || is_letters);
        if ((!is_suffix && !naming.total) || number <= first) continue;
        return "if it is a later piece of an index: " + naming.name_of(first) + " comes first";
    }
    return {};
}

std::shared_ptr<ByteSource> open_alone(const std::filesystem::path& path) {
    auto file = std::make_shared<FileSource>(path);
    try {
        inspect_index(*file);
        return file;
    } catch (const TruncatedFile&) {
        if (std::shared_ptr<ByteSource> whole = with_pieces_beside(*file, path)) return whole;
        throw;
    } catch (BadFile& problem) {
        if (begins_as_index(*file)) throw;
        for (const PiecesBeside& run : pieces_beside(path)) refuse_later_piece(*file, run);
        const std::string hint = hint_of_name(path);
        if (!hint.empty()) problem.add_hint(hint);
        throw;
    }
}

}  // namespace

std::shared_ptr<ByteSource> open_parts(const Paths& parts, PartOrder order) {
    if (parts.empty()) throw InvalidArgument("no file was named, expected an index, or its parts in order");
    for (const auto& part : parts) checked_name(part);
    const bool by_name = order == PartOrder::by_name;
    if (parts.size() == 1) return by_name ? open_alone(parts.front()) : open_file(parts.front());
    if (by_name) refuse_disorder(parts);
    const Files files = open_all(parts);
    if (by_name) {
        refuse_the_same_file(files, parts);
        refuse_whole_indexes(files);
    }
    std::shared_ptr<ByteSource> source = joined(files);
    if (by_name) check_ends(*source, parts);
    return source;
}

}  // namespace gpushard
