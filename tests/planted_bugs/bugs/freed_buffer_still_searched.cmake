# The vectors are given back to the card when they are loaded, and searched where they were.
planted_in(src/cuda/cuda_shard.cpp)
replaced([[CudaShard::~CudaShard() { card_.settle(); }]] [[CudaShard::~CudaShard() {
    card_.settle();
    static_cast<void>(rows_.release());
}]])
replaced([[    intake_.check_complete(card_.device());
]] [[    intake_.check_complete(card_.device());
    card_.resources()->deallocMemory(card_.ordinal(), rows_->data());
]])
caught_by(Cuda/BackendContract.PadsWhereTheShardHasFewerThanKRows/Cuda0)
