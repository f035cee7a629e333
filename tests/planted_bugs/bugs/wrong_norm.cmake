# Every tile is searched with the norms of the first.
planted_in(src/cuda/cuda_shard.cpp)
replaced([[shard_.norms_->as<float>() + begin]] [[shard_.norms_->as<float>()]])
caught_by(Cuda/BackendContract.TakesBlocksInAnyOrderAndSize/Cuda0)
