#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <gpushard/byte_source.hpp>
#include <gpushard/index_profile.hpp>

namespace gpushard {

/// Reads the header of a Faiss index file and checks every field of it against the others and against the size of
/// the file. Reads at most 49 bytes of a flat index and never its payload, so the cost does not depend on the size.
/// Throws BadFile (file, offset, field, value, expectation) for a missing, truncated, malformed or unsupported file;
/// an unsupported type is named, with the types that are supported. A piece of an index is taken as open_parts says.
IndexProfile inspect_index(const std::filesystem::path& path);

/// The same for an index cut into several files, in order: see open_parts, and it throws what that throws.
IndexProfile inspect_index(const std::vector<std::filesystem::path>& parts, PartOrder order = PartOrder::by_name);

/// The same for bytes from anywhere.
IndexProfile inspect_index(const ByteSource& source);

/// Identifies the content of an index without reading all of it: a hash over its size, its header and 16 samples of
/// 4 KiB spread over the payload. Two files with equal fingerprints are taken for the same index; a change of a
/// single vector may go unseen. 32 hexadecimal digits. Cost: the header and at most 64 KiB read. Throws BadFile.
std::string fingerprint(const ByteSource& source, const IndexProfile& profile);

}  // namespace gpushard
