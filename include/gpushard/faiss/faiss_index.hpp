#pragma once

#include <memory>

#include <faiss/Index.h>

#include <gpushard/load.hpp>
#include <gpushard/sharded_index.hpp>

/// Where gpushard meets Faiss types: the only public header that includes Faiss.
namespace gpushard {

/// A faiss::Index whose search goes to the shards of `index`, for code that takes Faiss indexes. It shares ownership
/// of the shards, so it may outlive `index`.
///
/// `search`, `assign` and whatever reads vectors back (`reconstruct`, `reconstruct_n`, `reconstruct_batch`,
/// `search_and_reconstruct`, `compute_residual`, `compute_residual_n`, and the distances of `get_distance_computer`, by
/// which an IndexRefine scores again) are thread-safe. Vectors are read from the file, exactly as they stand there
/// whatever the precision of the shards; one read for each, or for each run. An index that was loaded from memory has
/// none to read.
///
/// Everything else (add, train, reset, remove_ids, merge_from, range_search, codes, ...), and a search with parameters
/// such as an IDSelector, is refused. Whatever is thrown is a faiss::FaissException with the message of the gpushard
/// error, which is nested in it (std::rethrow_if_nested). None is thrown from a parallel region, but where Faiss itself
/// calls the view from one, as IndexRefine does: there a file that cannot be read any more ends the process.
///
/// Throws InvalidArgument for an index that was moved from.
std::unique_ptr<faiss::Index> as_faiss_index(const ShardedIndex& index);

/// Loads an index that is already in memory; `source` must stay unchanged until this returns and is not needed
/// afterwards (`verify` needs it, and refuses). Flat indexes only: throws InvalidArgument for other types, naming them.
ShardedIndex load(const faiss::Index& source, const LoadOptions& options = {});

/// The profile of an index in memory, as inspect_index gives it for a file.
IndexProfile inspect_index(const faiss::Index& source);

}  // namespace gpushard
