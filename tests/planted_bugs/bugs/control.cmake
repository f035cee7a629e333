# None: the tests that catch the others pass where nothing is planted.
planted_in(src/cuda/cuda_shard.cpp)
