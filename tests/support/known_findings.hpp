#pragma once

#include <string>

#include <faiss/Index.h>

namespace gpushard::test {

inline constexpr bool before_1_8 = FAISS_VERSION_MAJOR == 1 && FAISS_VERSION_MINOR < 8;

/// Whether a finding is one that any use of Faiss's kernels brings and that changes no answer; each has a test in
/// oracle/known_findings_test.cpp.
bool is_known(const std::string& finding);

}  // namespace gpushard::test
