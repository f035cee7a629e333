# Where there are fewer answers than asked for, nothing is written.
planted_in(src/shard/shard_answers.cpp)
replaced([[            const bool answered = j < found.k && found.ids[query * found.k + j] >= 0;
]] [[            const bool answered = j < found.k && found.ids[query * found.k + j] >= 0;
            if (!answered) continue;
]])
caught_by(Cuda/BackendContract.PadsWhereTheShardHasFewerThanKRows/Cuda0)
