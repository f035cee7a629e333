#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/piped_child.hpp"

namespace gpushard::bench {

/// The Faiss of a Python interpreter, as it says of itself.
struct PythonVersion {
    std::string python;           ///< the interpreter, as typed
    std::string faiss_version;    ///< "1.9.0"
    std::string compile_options;  ///< "OPTIMIZE AVX512 "; empty where it has none
};

/// What it is asked to search, and with what.
struct PythonRequest {
    std::string python;
    std::filesystem::path file;
    std::int64_t k = 10;
    int threads = 1;
};

/// Searches by the Faiss of a Python interpreter, in a process of its own whose environment is that of this one. While
/// it works this process sleeps, and the other way round.
class PythonFaiss {
public:
    struct Search {
        double seconds = 0;      ///< of one call, from the inside: what talking takes is no part of it
        double cpu_seconds = 0;  ///< that the process spent on all of its calls
    };

    /// Starts the interpreter and imports faiss. Throws InvalidArgument where there is no such program or no faiss in
    /// it.
    explicit PythonFaiss(const PythonRequest& request);

    const PythonVersion& version() const { return version_; }

    /// Reads the index, and takes (count, dim) queries to search with. Throws Error for what goes wrong on the other
    /// side, as `search` does.
    void load(const std::vector<float>& queries, std::int64_t count, std::int64_t dim);
    /// One call with `batch` queries: the ones given as often as it takes, as repeat_queries does.
    Search search(std::int64_t batch);

private:
    /// The rest of the next line, which must begin with `word`.
    std::string expect(const std::string& word);

    PythonVersion version_;
    PipedChild child_;
};

}  // namespace gpushard::bench
