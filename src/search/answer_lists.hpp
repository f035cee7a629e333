#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>

#include <gpushard/bytes.hpp>

namespace gpushard {

/// The host memory that a plan grants to answers before they are merged, taken as a whole and handed out in slices.
/// Thread-safe. Slices are waited for in the order of asking, so that a large one is not passed over for small ones for
/// ever. A thread that waits must hold no slice; one that holds some asks with try_take, and finishes with what it
/// holds where that yields nothing: then whoever holds memory can always go on.
class AnswerLists {
public:
    /// Takes `bytes`; may be 0. Throws InsufficientMemory.
    explicit AnswerLists(Bytes bytes);
    ~AnswerLists();
    AnswerLists(const AnswerLists&) = delete;
    AnswerLists& operator=(const AnswerLists&) = delete;

    /// Some of the memory, given back at its end.
    class Slice {
    public:
        Slice(Slice&& other) noexcept;
        Slice& operator=(Slice&& other) noexcept;
        ~Slice();

        std::byte* data() const { return data_; }

    private:
        friend class AnswerLists;
        Slice(AnswerLists& owner, std::byte* data) : owner_(&owner), data_(data) {}

        AnswerLists* owner_;  ///< null after a move
        std::byte* data_;
    };

    /// Nothing where so much is not free now, or somebody waits.
    std::optional<Slice> try_take(Bytes bytes);

    /// Waits; at most bytes().
    Slice take(Bytes bytes);

    Bytes bytes() const { return bytes_; }
    /// The most that was in use at a time.
    Bytes peak() const;

private:
    struct Used {
        Bytes begin;
        Bytes end;
    };

    /// Under the lock: the first gap that is large enough, marked as used.
    std::optional<Slice> take_gap(Bytes bytes);
    void give_back(const std::byte* data) noexcept;

    const Bytes bytes_;
    std::byte* memory_ = nullptr;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::list<Used> used_;  ///< by begin
    Bytes in_use_ = 0;
    Bytes peak_ = 0;
    std::uint64_t next_ticket_ = 0;
    std::uint64_t now_served_ = 0;
};

}  // namespace gpushard
