#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "index/part_names.hpp"

namespace gpushard {

/// The files of one folder whose names are a run of pieces.
struct PiecesBeside {
    std::filesystem::path folder;  ///< as the caller spelled it
    PieceNaming naming;
    std::uint64_t own = 0;               ///< the number of the piece that was asked about
    std::vector<std::uint64_t> numbers;  ///< ascending, `own` among them

    /// The least number from which on there is no gap up to `own`.
    std::uint64_t first() const;
    std::filesystem::path path_of(std::uint64_t number) const;
    /// The pieces from `first` up to the first gap.
    std::vector<std::filesystem::path> from(std::uint64_t first) const;
    bool has(std::uint64_t number) const;
};

/// Every run of two pieces or more that `path` may belong to, the likeliest first.
std::vector<PiecesBeside> pieces_beside(const std::filesystem::path& path);

}  // namespace gpushard
