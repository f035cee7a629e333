#include "interpreter/shared_memory.hpp"

namespace simcuda::interpreter {
namespace {

constexpr std::uint16_t several_warps = 0xFFFF;
/// Of an access that synchronises by itself.
constexpr std::uint16_t exempt = 0xFFFE;

bool is_another(std::uint16_t user, std::uint16_t warp) { return user != warp && user != exempt; }

}  // namespace

SharedMemory::SharedMemory(std::uint32_t bytes) : data_(bytes), uses_(bytes) {}

void SharedMemory::begin_block() { block_epoch_ = ++epoch_; }

SharedMemory::Trouble SharedMemory::note_read(std::uint64_t offset, std::uint32_t bytes, std::uint16_t warp,
                                              bool synchronises) {
    Trouble trouble = Trouble::none;
    for (Use *use = uses_.data() + offset, *const end = use + bytes; use != end; ++use) {
        if (use->written_in < block_epoch_) {
            trouble = Trouble::unwritten;
        } else if (use->written_in == epoch_ && !synchronises && is_another(use->writer, warp)) {
            trouble = Trouble::race;
        }
        if (synchronises) continue;
        use->reader = use->read_in == epoch_ && use->reader != warp ? several_warps : warp;
        use->read_in = epoch_;
    }
    return trouble;
}

SharedMemory::Trouble SharedMemory::note_write(std::uint64_t offset, std::uint32_t bytes, std::uint16_t warp,
                                               bool synchronises, const std::byte* value) {
    Trouble trouble = Trouble::none;
    const std::byte* held = data_.data() + offset;
    for (Use *use = uses_.data() + offset, *const end = use + bytes; use != end; ++use, ++held, ++value) {
        if (!synchronises && *held != *value) {
            const bool overwrites = use->written_in == epoch_ && is_another(use->writer, warp);
            const bool was_read = use->read_in == epoch_ && use->reader != warp;
            if (overwrites || was_read) trouble = Trouble::race;
        }
        use->writer = synchronises ? exempt : warp;
        use->written_in = epoch_;
    }
    return trouble;
}

}  // namespace simcuda::interpreter
