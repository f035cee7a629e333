#include "search/answer_lists.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <sys/mman.h>
#include <utility>

#include <gpushard/error.hpp>

namespace gpushard {
namespace {

/// Slices begin at multiples of this, so that any number may stand at their begin.
constexpr Bytes alignment = 16;

/// Mapped with its pages: what a search would find missing is missing now.
std::byte* map_now(Bytes bytes) {
    if (bytes == 0) return nullptr;
    void* const mapped =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (mapped != MAP_FAILED) return static_cast<std::byte*>(mapped);
    throw InsufficientMemory(
        "host: the system refuses " + format_bytes(bytes) + " for the answers of searches before they are merged",
        bytes, {{"host", bytes, 0, bytes}}, {},
        {{"device", std::string("host")}, {"asked_bytes", static_cast<std::int64_t>(bytes)}});
}

}  // namespace

AnswerLists::AnswerLists(Bytes bytes) : bytes_(bytes), memory_(map_now(bytes)) {}

AnswerLists::~AnswerLists() {
    if (memory_ != nullptr) ::munmap(memory_, bytes_);
}

AnswerLists::Slice::Slice(Slice&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), data_(other.data_) {}

AnswerLists::Slice& AnswerLists::Slice::operator=(Slice&& other) noexcept {
    std::swap(owner_, other.owner_);
    std::swap(data_, other.data_);
    return *this;
}

AnswerLists::Slice::~Slice() {
    if (owner_ != nullptr) owner_->give_back(data_);
}

std::optional<AnswerLists::Slice> AnswerLists::take_gap(Bytes bytes) {
    const Bytes wanted = (bytes + alignment - 1) / alignment * alignment;
    Bytes gap_begin = 0;
    auto next = used_.begin();
    for (; next != used_.end() && next->begin - gap_begin < wanted; ++next) gap_begin = next->end;
    if (next == used_.end() && bytes_ - gap_begin < wanted) return std::nullopt;
    used_.insert(next, {gap_begin, gap_begin + wanted});
    in_use_ += wanted;
    peak_ = std::max(peak_, in_use_);
    return Slice(*this, memory_ + gap_begin);
}

std::optional<AnswerLists::Slice> AnswerLists::try_take(Bytes bytes) {
    const std::lock_guard lock(mutex_);
    if (now_served_ != next_ticket_) return std::nullopt;
    return take_gap(bytes);
}

AnswerLists::Slice AnswerLists::take(Bytes bytes) {
    std::unique_lock lock(mutex_);
    const std::uint64_t ticket = next_ticket_++;
    std::optional<Slice> slice;
    changed_.wait(lock, [&] {
        if (ticket != now_served_) return false;
        slice = take_gap(bytes);
        return slice.has_value();
    });
    ++now_served_;
    changed_.notify_all();
    return *std::move(slice);
}

void AnswerLists::give_back(const std::byte* data) noexcept {
    const std::lock_guard lock(mutex_);
    const auto begin = static_cast<Bytes>(data - memory_);
    const auto found = std::find_if(used_.begin(), used_.end(), [&](const Used& used) { return used.begin == begin; });
    in_use_ -= found->end - found->begin;
    used_.erase(found);
    changed_.notify_all();
}

Bytes AnswerLists::peak() const {
    const std::lock_guard lock(mutex_);
    return peak_;
}

}  // namespace gpushard
