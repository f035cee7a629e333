#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "interpreter/launch.hpp"

namespace simcuda::interpreter {

inline constexpr std::uint32_t barrier_count = 16;

/// 32 threads of a block. Each has its own program counter; those with the smallest go first, so that threads that went
/// apart come together again, and all with the same one do a step at once.
class Warp {
public:
    Warp(Launch& launch, std::uint32_t number, std::uint32_t threads);

    void begin_block();
    /// Runs until every thread has left or waits, or for so many steps that other warps should have their turn.
    void run();

    bool can_run() const { return runnable() != 0; }
    LaneMask alive() const { return alive_; }
    /// Those that wait at the barrier of the block with that number.
    LaneMask waiting_at(std::uint32_t barrier) const { return barriers_[barrier]; }
    /// How many threads that barrier is for, as its last arrival said; 0: all of the block.
    std::uint32_t expected_at(std::uint32_t barrier) const { return expected_[barrier]; }
    /// True where threads of this warp came to it by different instructions.
    bool is_split_at(std::uint32_t barrier) const;
    void release(std::uint32_t barrier);

    /// Where a thread that has not left stands; for reports.
    ThreadAt first_waiting() const;

private:
    LaneMask runnable() const { return alive_ & ~at_barrier_ & ~at_sync_; }
    void run_group(std::uint32_t counter, LaneMask group, std::uint32_t others);
    /// Lets one set of lanes go on that waited at a *.sync for lanes that have left. False where there is none.
    bool wake_completed();

    void set_counters(LaneMask lanes, std::uint32_t counter);
    LaneMask lanes_at(LaneMask lanes, std::uint32_t counter) const;
    LaneMask predicate(Place place, bool negated) const;

    /// For a *.sync step that `active` lanes reached: those that take part in it and stand here, or 0 when some are
    /// missing and all of `active` wait, or when those that met go on from several places.
    LaneMask gather(const Step& step, std::uint32_t counter, LaneMask active);
    /// Those of `lanes` that meet lane `one`: at a *.sync of the same kind with the same mask, be it at another
    /// instruction, as compilers make of a loop in which one lane does more than the others.
    LaneMask that_meet(LaneMask lanes, int one) const;
    LaneMask mask_of(int lane) const;
    /// For lanes that met at several instructions; each goes on behind its own.
    void synchronise_apart(LaneMask members);
    void synchronise(const Step& step, std::uint32_t counter, LaneMask members);
    void shuffle(const Step& step, std::uint32_t counter, LaneMask members);
    void vote(const Step& step, LaneMask members);
    void match(const Step& step, LaneMask members);
    void reduce(const Step& step, LaneMask members);
    void arrive(const Step& step, std::uint32_t counter, LaneMask lanes);

    Launch& launch_;
    const std::uint32_t number_;
    const std::uint32_t threads_;
    std::vector<std::uint64_t> storage_;
    std::vector<std::uint64_t> local_;
    std::vector<std::uint8_t> local_written_;
    WarpRegisters registers_;
    std::array<std::uint32_t, warp_size> counters_{};
    LaneMask alive_ = 0;
    LaneMask at_barrier_ = 0;
    LaneMask at_sync_ = 0;
    std::array<LaneMask, barrier_count> barriers_{};
    std::array<std::uint32_t, barrier_count> expected_{};
    std::uint64_t steps_left_ = 0;
};

}  // namespace simcuda::interpreter
