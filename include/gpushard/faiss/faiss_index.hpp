#pragma once

#include <memory>

#include <faiss/Index.h>

#include <gpushard/load.hpp>
#include <gpushard/sharded_index.hpp>

/// Where gpushard meets Faiss types: the only public header that includes Faiss.
namespace gpushard {

/// A faiss::Index whose search goes to the shards of `index`, for code that takes Faiss indexes. It shares ownership
/// of the shards, so it may outlive `index`. Whatever changes an index (add, train, reset, ...), reads single vectors
/// back, or carries search parameters such as an IDSelector, throws faiss::FaissException. `search` is thread-safe and
/// throws gpushard's errors.
std::unique_ptr<faiss::Index> as_faiss_index(const ShardedIndex& index);

/// Loads an index that is already in memory; `source` must stay unchanged until this returns and is not needed
/// afterwards (`verify` needs it, and refuses). Flat indexes only: throws InvalidArgument for other types, naming them.
ShardedIndex load(const faiss::Index& source, const LoadOptions& options = {});

/// The profile of an index in memory, as inspect_index gives it for a file.
IndexProfile inspect_index(const faiss::Index& source);

}  // namespace gpushard
