#pragma once

namespace gpushard {

/// Remembers that this process has made a CUDA context on the card of this ordinal. Thread-safe.
void note_context(int ordinal);

/// Whether this process has a CUDA context on the card of this ordinal: one that was noted, or one that the driver
/// says is there, whoever made it. Makes none. Thread-safe.
bool has_context(int ordinal);

}  // namespace gpushard
