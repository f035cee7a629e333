#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <optional>

#include <gpushard/printable_text.hpp>

#include "index/foreign_file.hpp"

/// Files that are text: pointers to a file that is elsewhere, pages and errors that a download left, tables.
namespace gpushard {
namespace {

constexpr std::size_t longest_quote = 80;

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

bool is_printable(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte != 0x7f;
}

std::string lower(std::string_view text) {
    std::string copy(text);
    std::transform(copy.begin(), copy.end(), copy.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return copy;
}

/// From the first character that is no space, without a byte order mark.
std::string_view body_of(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    return text;
}

/// The text between `open` and the next `close`; empty where they are not there.
std::string_view between(std::string_view text, std::string_view open, std::string_view close) {
    const auto begin = text.find(open);
    if (begin == std::string_view::npos) return {};
    text.remove_prefix(begin + open.size());
    const auto end = text.find(close);
    return end == std::string_view::npos ? std::string_view{} : text.substr(0, end);
}

/// Its first line, as may be printed.
std::string quote(std::string_view text) {
    const std::string_view line = text.substr(0, text.find('\n'));
    return printable(line, longest_quote) + (line.size() > longest_quote ? "..." : "");
}

/// The number after `key` at the beginning of a line.
std::optional<Bytes> number_after(std::string_view text, std::string_view key) {
    for (std::size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
        if (at > 0 && text[at - 1] != '\n') continue;
        Bytes number = 0;
        const char* const begin = text.data() + at + key.size();
        const auto [end, error] = std::from_chars(begin, text.data() + text.size(), number);
        if (error == std::errc{}) return number;
    }
    return std::nullopt;
}

std::string of_size(std::optional<Bytes> size) {
    return size ? " to a file of " + std::to_string(*size) + " bytes (" + format_bytes(*size) + ")" : " to a file";
}

std::string folder_of(const std::string& path) {
    const std::string folder = std::filesystem::path(path).parent_path().string();
    return folder.empty() ? "." : folder;
}

std::string file_name(const std::string& path) { return std::filesystem::path(path).filename().string(); }

std::optional<ForeignFile> pointer(const FileGlimpse& file) {
    const std::string_view text = file.head;
    const std::string in_folder = " -C " + shell_quoted(folder_of(file.name)) + " ";
    const std::string name = shell_quoted(file_name(file.name));
    if (text.starts_with("version https://git-lfs.github.com/spec/") ||
        text.starts_with("version https://hawser.github.com/spec/")) {
        return ForeignFile{"git_lfs_pointer",
                           "a Git LFS pointer" + of_size(number_after(text, "size ")) + ", which is not here",
                           {"fetch it: git" + in_folder + "lfs pull --include " + name,
                            "where git has no lfs: install the package git-lfs, and run git lfs install once"}};
    }
    if (text.starts_with("# xet version")) {
        return ForeignFile{"xet_pointer",
                           "a Xet pointer" + of_size(number_after(text, "filesize = ")) + ", which is not here",
                           {"fetch it: git" + in_folder + "xet checkout, or download it again with hf download",
                            "where git has no xet: install git-xet, and run git xet install once"}};
    }
    if (text.starts_with("/annex/objects/") || text.starts_with("../.git/annex/objects/")) {
        return ForeignFile{"git_annex_pointer",
                           "a git-annex pointer to a file that is not here",
                           {"fetch it: git" + in_folder + "annex get " + name}};
    }
    if (text.starts_with("outs:") && text.find("md5: ") != std::string_view::npos) {
        return ForeignFile{"dvc_pointer",
                           "a DVC pointer" + of_size(number_after(text, "  size: ")),
                           {"fetch it: dvc pull " + shell_quoted(file.name)}};
    }
    return std::nullopt;
}

const std::vector<std::string>& download_again() {
    static const std::vector<std::string> hints = {
        "a download got this instead of the index: look at it, then download the index again (log in, take the link to "
        "the raw file, let curl -fL fail on errors)"};
    return hints;
}

/// A page of a web server: a login, a consent, an error.
std::optional<ForeignFile> page(const FileGlimpse& file) {
    const std::string front = lower(body_of(file.head).substr(0, 512));
    const bool is_page = front.starts_with("<!doctype html") || front.starts_with("<html") ||
                         front.starts_with("<head") ||
                         (front.starts_with("<") && front.find("<html") != std::string::npos);
    if (!is_page) return std::nullopt;
    const std::string all = lower(file.head);
    const auto begin = all.find("<title");
    const std::string_view title =
        begin == std::string::npos ? std::string_view{} : between(std::string_view(file.head).substr(begin), ">", "<");
    return ForeignFile{"html", "an HTML page" + (title.empty() ? "" : " (\"" + quote(body_of(title)) + "\")"),
                       download_again()};
}

/// An error of an object store, or other XML.
std::optional<ForeignFile> xml(const FileGlimpse& file) {
    const std::string_view text = body_of(file.head);
    const std::string_view code = between(text, "<Code>", "</Code>");
    if (text.find("<Error>") != std::string_view::npos && !code.empty()) {
        const std::string_view message = between(text, "<Message>", "</Message>");
        return ForeignFile{
            "object_store_error",
            "an error of an object store: " + quote(code) + (message.empty() ? "" : ", " + quote(message)),
            download_again()};
    }
    if (!text.starts_with("<?xml") && !text.starts_with("<Error")) return std::nullopt;
    return ForeignFile{"xml", "an XML file", download_again()};
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// UTF-8 without control characters; a character may be cut where the glimpse begins or ends.
bool is_text(std::string_view bytes) {
    constexpr int most_cut = 3;
    for (int i = 0; i < most_cut && !bytes.empty() && is_continuation(bytes.front()); ++i) bytes.remove_prefix(1);
    for (int i = 0; i < most_cut && valid_utf8(bytes) != bytes; ++i) bytes.remove_suffix(1);
    return valid_utf8(bytes) == bytes && std::all_of(bytes.begin(), bytes.end(), [](char c) {
               return is_printable(c) || is_space(c) || c == '\x1b';
           });
}

std::size_t count(std::string_view text, char c) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), c));
}

std::optional<ForeignFile> json(const FileGlimpse& file) {
    const std::string_view text = body_of(file.head);
    if (text.empty() || (text.front() != '{' && text.front() != '[')) return std::nullopt;
    const bool is_small = file.size <= glimpse_bytes;
    const auto end_of_line = text.find('\n');
    const std::string_view second =
        end_of_line == std::string_view::npos ? std::string_view{} : body_of(text.substr(end_of_line));
    const bool lines = text.front() == '{' && end_of_line != std::string_view::npos && end_of_line > 2 &&
                       text.substr(0, end_of_line).find('}') != std::string_view::npos && second.starts_with("{");
    if (lines) {
        return ForeignFile{"jsonl",
                           "a file of JSON lines (\"" + quote(text) + "\")",
                           {"a corpus is data, not an index: name the index that was built from it"}};
    }
    if (is_small &&
        (text.find("\"error\"") != std::string_view::npos || text.find("\"message\"") != std::string_view::npos)) {
        return ForeignFile{"json", "a JSON text (\"" + quote(text) + "\")", download_again()};
    }
    return ForeignFile{"json",
                       "a JSON file (\"" + quote(text) + "\")",
                       {"it may describe an index: name the index itself, often index.faiss beside it"}};
}

std::optional<ForeignFile> other_text(const FileGlimpse& file) {
    const std::string_view text = body_of(file.head);
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::string quoted = " (\"" + quote(text) + "\")";
    if (text.starts_with("#!"))
        return ForeignFile{"script", "a script" + quoted, {"name the index that it makes or uses"}};
    for (const auto& [sign, name] : {std::pair{'\t', "TSV"}, std::pair{',', "CSV"}}) {
        const std::string_view rest = text.substr(std::min(text.size(), line.size() + 1));
        const std::string_view second = rest.substr(0, rest.find('\n'));
        if (count(line, sign) == 0 || second.empty() || count(line, sign) != count(second, sign)) continue;
        return ForeignFile{"table",
                           std::string("a table of text (") + name + ", \"" + quote(text) + "\")",
                           {"these are data, not an index: build one from their vectors with Faiss"}};
    }
    return ForeignFile{"text", "a text" + quoted,
                       file.size <= glimpse_bytes ? download_again()
                                                  : std::vector<std::string>{"name the index that was built from it"}};
}

}  // namespace

std::optional<ForeignFile> recognise_text(const FileGlimpse& file) {
    if (body_of(file.head).empty() || !is_text(file.head) || !is_text(file.tail)) return std::nullopt;
    for (const auto recognise : {pointer, page, xml, json, other_text}) {
        if (auto found = recognise(file)) return found;
    }
    return std::nullopt;
}

}  // namespace gpushard
