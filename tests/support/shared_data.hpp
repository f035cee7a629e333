#pragma once

#include <filesystem>

namespace gpushard::test {

/// The folder of real embeddings and recorded index files: $GPUSHARD_SHARED_DATA, or shared/data beside the source
/// tree. Empty where there is none; tests that need it then skip, saying so.
std::filesystem::path shared_data();

}  // namespace gpushard::test
