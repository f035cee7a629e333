# Faiss is asked for the other metric.
planted_in(src/cuda/cuda_shard.cpp)
replaced([[params.metric = static_cast<faiss::MetricType>(static_cast<std::int32_t>(spec_.index.metric));]]
    [[params.metric = has_norms() ? faiss::METRIC_INNER_PRODUCT : faiss::METRIC_L2;]])
caught_by(Cuda/BackendContract.PadsWhereTheShardHasFewerThanKRows/Cuda0)
