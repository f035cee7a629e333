# The lists of a tile are read as if the answers of all queries to one place lay side by side.
planted_in(src/cuda/cuda_shard.cpp)
replaced([[            order_answers(slot.distances() + query * slot.k, slot.ids() + query * slot.k, slot.k, slot.begin);
        }
]] [[            order_answers(slot.distances() + query * slot.k, slot.ids() + query * slot.k, slot.k, slot.begin);
        }
        const std::vector<float> distances(slot.distances(), slot.distances() + query_count * slot.k);
        const std::vector<std::int64_t> ids(slot.ids(), slot.ids() + query_count * slot.k);
        for (std::size_t i = 0; i < ids.size(); ++i) {
            const auto list = static_cast<std::size_t>(slot.k);
            const std::size_t transposed = i % list * static_cast<std::size_t>(query_count) + i / list;
            slot.distances()[i] = distances[transposed];
            slot.ids()[i] = ids[transposed];
        }
]])
caught_by(Cuda/BackendContract.PadsWhereTheShardHasFewerThanKRows/Cuda0)
