#pragma once

#include <string>

namespace gpushard::test {

/// Whether a finding is one that any use of Faiss's kernels brings and that changes no answer; each has a test in
/// known_findings_test.cpp.
bool is_known(const std::string& finding);

}  // namespace gpushard::test
