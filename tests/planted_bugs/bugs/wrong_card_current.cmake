# Every shard is searched while the first card is current.
planted_in(src/cuda/cuda_shard.cpp)
replaced([[    const CurrentCard current(card_.ordinal(), card_.device());
    SearchTile tile =]] [[    const CurrentCard current(0, card_.device());
    SearchTile tile =]])
caught_by(Cuda/BackendContract.TakesBlocksInAnyOrderAndSize/FourCards)
