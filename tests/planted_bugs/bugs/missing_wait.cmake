# Answers are taken from page-locked memory while they are still on their way to it.
planted_in(src/cuda/cuda_shard.cpp)
replaced([[        slot.fetched.wait();
]] [[]])
caught_by(Cuda/BackendContract.PadsWhereTheShardHasFewerThanKRows/Cuda0)
