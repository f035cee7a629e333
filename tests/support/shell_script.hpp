#pragma once

#include <filesystem>
#include <string>

namespace gpushard::test {

/// Writes a program that /bin/sh runs, and returns its path.
std::string write_script(const std::filesystem::path& path, const std::string& lines);

/// The script of an interpreter that stands for one with Faiss 9.9.9: every batch takes it half a second, by its
/// account. `on_search` are the commands for a search of $first queries; it notes its arguments and its id in files
/// beside itself.
std::string fake_python(const std::string& on_search = "echo took 0.5 0.25");

}  // namespace gpushard::test
