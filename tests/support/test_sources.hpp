#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <gpushard/byte_source.hpp>

namespace gpushard::test {

/// Another source, with a hook before every read: to count, to wait, or to throw as a broken disk would.
class HookedSource final : public ByteSource {
public:
    /// Called with the number of the read (from 0), its offset and its size, by any number of threads at once.
    using Hook = std::function<void(std::int64_t read, Bytes offset, Bytes count)>;

    HookedSource(std::shared_ptr<const ByteSource> inner, Hook before_read)
        : inner_(std::move(inner)), before_read_(std::move(before_read)) {}

    std::string name() const override { return inner_->name(); }
    Bytes size() const override { return inner_->size(); }
    void check_unchanged() const override { inner_->check_unchanged(); }
    std::int64_t reads() const { return reads_; }

private:
    void read_bytes(Bytes offset, void* destination, std::size_t count) const override {
        before_read_(reads_.fetch_add(1), offset, count);
        inner_->read(offset, destination, count);
    }

    std::shared_ptr<const ByteSource> inner_;
    Hook before_read_;
    mutable std::atomic<std::int64_t> reads_{0};
};

/// The k-th read (from 0) throws BadFile as an input/output error does; so do all later ones if it `persists`.
HookedSource::Hook fail_read(std::int64_t k, bool persists);

/// Byte ranges in the order they were read.
class ReadRecord {
public:
    HookedSource::Hook hook();
    void clear();

    /// True when the reads cover [0, size) without gap or overlap.
    bool covers_once(Bytes size) const;
    Bytes largest_read() const;

private:
    mutable std::mutex mutex_;
    std::vector<std::pair<Bytes, Bytes>> ranges_;
};

}  // namespace gpushard::test
