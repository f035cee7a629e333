#include "runtime/card.hpp"

#include <algorithm>

namespace simcuda {

namespace {

constexpr std::uint64_t bytes_for_variables = std::uint64_t{256} << 20;

}  // namespace

std::optional<Direction> parse_direction(std::string_view text) {
    if (text == "h2d") return Direction::host_to_device;
    if (text == "d2h") return Direction::device_to_host;
    if (text == "d2d") return Direction::device_to_device;
    return std::nullopt;
}

Card::Card(const CardSpec& spec, int place, DeviceMemory::Watch watch)
    : memory(spec.total_bytes, watch),
      variables(bytes_for_variables, watch),
      default_queue(std::make_shared<WorkQueue>(place, true)),
      spec_(spec),
      held_by_others_(spec.used_bytes) {}

bool Card::create_context() {
    if (has_context_) return true;
    if (spec_.context_bytes > free()) return false;
    has_context_ = true;
    return true;
}

void Card::destroy_context() {
    memory.release_all();
    variables.release_all();
    variable_addresses.clear();
    dynamic_shared_limits.clear();
    allocated_ = 0;
    has_context_ = false;
    peers.clear();
}

std::uint64_t Card::rounded(std::uint64_t bytes) const {
    const std::uint64_t step = spec_.granularity;
    return bytes / step * step + (bytes % step == 0 ? 0 : step);
}

bool Card::charge(std::uint64_t bytes) {
    if (bytes > spec_.total_bytes || rounded(bytes) > free()) return false;
    allocated_ += rounded(bytes);
    peak_ = std::max(peak_, allocated_);
    return true;
}

std::uint64_t Card::free() const { return spec_.total_bytes - held_by_others_ - context_charge() - allocated_; }

std::uint64_t Card::take(std::uint64_t bytes) {
    const std::uint64_t taken = std::min(bytes, free());
    held_by_others_ += taken;
    return taken;
}

std::uint64_t Card::give(std::uint64_t bytes) {
    const std::uint64_t given = std::min(bytes, held_by_others_);
    held_by_others_ -= given;
    return given;
}

void Card::count_copy(Direction direction, std::uint64_t bytes) {
    copied_[static_cast<std::size_t>(direction)].fetch_add(bytes, std::memory_order_relaxed);
}

std::uint64_t Card::copied(Direction direction) const {
    return copied_[static_cast<std::size_t>(direction)].load(std::memory_order_relaxed);
}

void Card::count_traffic(const interpreter::Traffic& traffic) {
    loaded_.fetch_add(traffic.loaded, std::memory_order_relaxed);
    stored_.fetch_add(traffic.stored, std::memory_order_relaxed);
}

void Card::reset_counts() {
    launches_ = 0;
    for (auto& bytes : copied_) bytes = 0;
    loaded_ = 0;
    stored_ = 0;
}

}  // namespace simcuda
