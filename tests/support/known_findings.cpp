#include "support/known_findings.hpp"

#include <cstddef>
#include <string_view>

namespace gpushard::test {
namespace {

struct KnownFinding {
    std::string_view kind;
    std::string_view kernel;  ///< part of its name
    std::string_view what;    ///< part of the text
};

constexpr KnownFinding unwritten_norms{"read of bytes never written", "l2NormRowMajor", " of shared memory "};
constexpr KnownFinding norms_of_partial_warps{"bad shuffle", "l2NormRowMajor", "shfl.sync.bfly"};

bool is(const KnownFinding& known, std::string_view finding) {
    const std::size_t kernel = finding.find(known.kernel);
    return finding.starts_with(known.kind) && kernel != std::string_view::npos &&
           finding.find(known.what, kernel) != std::string_view::npos;
}

}  // namespace

bool is_known(const std::string& finding) {
    return is(unwritten_norms, finding) || (before_1_8 && is(norms_of_partial_warps, finding));
}

}  // namespace gpushard::test
