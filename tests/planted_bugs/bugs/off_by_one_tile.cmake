# The last tile has one row more than there are.
planted_in(src/cuda/cuda_shard.cpp)
replaced([[const std::int64_t rows = std::min(tile_rows, row_count - begin);]]
    [[const std::int64_t rows = std::min(tile_rows, row_count - begin + 1);]])
caught_by(Cuda/BackendContract.TakesBlocksInAnyOrderAndSize/Cuda0)
