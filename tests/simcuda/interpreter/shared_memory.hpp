#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace simcuda::interpreter {

/// The shared memory of one block after the other, and who used which byte since the last barrier.
class SharedMemory {
public:
    enum class Trouble : std::uint8_t { none, unwritten, race };

    explicit SharedMemory(std::uint32_t bytes);

    std::uint32_t size() const { return static_cast<std::uint32_t>(data_.size()); }
    std::byte* at(std::uint64_t offset) { return data_.data() + offset; }

    /// Whatever was written counts as never written.
    void begin_block();
    /// What warps did before it happens before what they do after it.
    void pass_barrier() { ++epoch_; }

    /// Notes that a warp reads or writes `bytes` at `offset`, which are inside; `synchronises` marks accesses that are
    /// meant to meet those of other warps. `value`: what is written; the same bytes written twice harm nobody.
    Trouble note_read(std::uint64_t offset, std::uint32_t bytes, std::uint16_t warp, bool synchronises);
    Trouble note_write(std::uint64_t offset, std::uint32_t bytes, std::uint16_t warp, bool synchronises,
                       const std::byte* value);

private:
    /// Of one byte. Epochs count barriers and blocks; 0 is before all of them.
    struct Use {
        std::uint32_t written_in = 0;
        std::uint32_t read_in = 0;
        std::uint16_t writer = 0;
        std::uint16_t reader = 0;
    };

    std::vector<std::byte> data_;
    std::vector<Use> uses_;
    std::uint32_t epoch_ = 1;
    std::uint32_t block_epoch_ = 1;
};

}  // namespace simcuda::interpreter
