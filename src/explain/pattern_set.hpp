#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gpushard {

/// A named part of a line that a pattern matched.
using Captures = std::vector<std::pair<std::string, std::string>>;

/// Many regular expressions (RE2's syntax, case ignored, bytes rather than characters) that are tried on a text
/// together, in time linear in the text whatever they are. Thread-safe once compiled.
class PatternSet {
public:
    PatternSet();
    ~PatternSet();
    PatternSet(PatternSet&&) noexcept;
    PatternSet& operator=(PatternSet&&) noexcept;

    /// What is wrong with the pattern; empty where nothing is. Names of captures must be among capture_names().
    std::string add(const std::string& pattern);
    void compile();

    /// Numbers of the patterns that match somewhere in the text, in the order they were added.
    void match(std::string_view text, std::vector<int>& numbers) const;

    /// What pattern `number` captures in a text that it matches: named groups that took part.
    Captures capture(int number, std::string_view text) const;

    /// Where in the text pattern `number` matches; 0 where it does not.
    std::size_t position(int number, std::string_view text) const;

    std::size_t size() const;
    const std::string& text(int number) const;  ///< of pattern `number`, as it was added

    /// "bytes", "size", "dev", ...: what the catalogue's patterns may capture.
    static const std::vector<std::string>& capture_names();

private:
    struct Patterns;
    std::unique_ptr<Patterns> patterns_;
};

}  // namespace gpushard
