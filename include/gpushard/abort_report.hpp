#pragma once

namespace gpushard {

/// Has the process say, as its last line on stderr, which card and which call of Faiss it was in when Faiss called
/// abort(): many CUDA failures inside Faiss do, and no library can survive that. Replaces the handler of SIGABRT, which
/// is why it is the application's choice; the command line tool calls it. Thread-safe; calling it again does nothing.
void install_abort_report();

}  // namespace gpushard
