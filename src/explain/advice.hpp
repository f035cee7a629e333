#pragma once

#include <gpushard/explain.hpp>

namespace gpushard {

/// Adds what can be computed once the index is known: what stock Faiss needs for it, ways to load it, and, for
/// `options.devices`, a plan and the command that runs it. Needs explanation.index and the readings of its findings.
void add_advice(const ExplainOptions& options, Explanation& explanation);

}  // namespace gpushard
