#pragma once

namespace gpushard::bench {

/// A program for a Python interpreter that has faiss, to be run as `PYTHON -c PROGRAM FILE K THREADS SECONDS WARMING`.
/// It says one line for each of:
///   its start                    hello VERSION COMPILE_OPTIONS
///   load COUNT DIM               loaded           (COUNT x DIM float32, the queries, follow the line)
///   search NQ                    took SECONDS CPU_SECONDS
/// or `error TEXT`, after which it ends. It also ends when its stdin does.
///
/// A search is `index.search` of NQ queries, the ones it was given as often as it takes. It is repeated for WARMING
/// seconds at least, then as often as fills SECONDS; SECONDS in the answer are those of one call, CPU_SECONDS those of
/// the process since the line came.
extern const char* const python_program;

}  // namespace gpushard::bench
