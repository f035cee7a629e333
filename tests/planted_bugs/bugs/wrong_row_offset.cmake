# The answers of a shard are numbered as if it began with the first row of the index.
planted_in(src/cuda/cuda_shard.cpp)
replaced([[write_answers(found, spec_.rows.begin, batch,]] [[write_answers(found, 0, batch,]])
caught_by(Cuda/BackendContract.PadsWhereTheShardHasFewerThanKRows/Cuda0)
