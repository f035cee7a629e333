#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// Text from outside (names of files, fields of files, logs) as it may be shown or pasted. Pure functions, thread-safe.
namespace gpushard {

/// The first `most` bytes of `text` as one line of UTF-8 that is safe to print: what is not UTF-8, control characters
/// (C1 too) and those that turn the direction of writing or break the line become '?'. No character is cut in two.
std::string printable(std::string_view text, std::size_t most = std::string_view::npos);

/// A JSON text (UTF-8) with the same characters, but the line breaks between its values, written as \uXXXX: it reads as
/// before and does nothing to a terminal.
std::string printable_json(std::string_view json);

/// `text` with every byte that is not UTF-8 replaced by U+FFFD.
std::string valid_utf8(std::string_view text);

/// One word for a POSIX shell: as it is where that is safe, else in quotes. Words with control characters or bytes that
/// are not UTF-8 are written as $'...', which bash, ksh and zsh read.
std::string shell_quoted(std::string_view word);

}  // namespace gpushard
