# Shards that were whole when another failed are kept for the next attempt, in which they should hold other rows.
planted_in(src/load/shard_loader.cpp)
replaced([=[using Clock = std::chrono::steady_clock;
]=] [=[using Clock = std::chrono::steady_clock;

std::vector<std::unique_ptr<Shard>> kept_shards(64);
]=])
replaced([=[            failures_.push_back(std::move(failure));
        }
        distribution_.give_up();
]=] [=[            failures_.push_back(std::move(failure));
        }
]=])
replaced([=[        if (!failures_.empty()) throw_first(failures_);
]=] [=[        if (!failures_.empty()) {
            for (std::size_t i = 0; i < used_.size(); ++i) kept_shards[used_[i]] = std::move(results_[i].shard);
            throw_first(failures_);
        }
]=])
replaced([=[            std::unique_ptr<Shard> shard = devices_[used_[i]]->load_shard(spec, feed);
]=] [=[            std::unique_ptr<Shard> shard = devices_[used_[i]]->load_shard(spec, feed);
            if (kept_shards[used_[i]]) shard = std::move(kept_shards[used_[i]]);
]=])
caught_by(RecoveredAnswers.WithoutACardThatWasLost)
