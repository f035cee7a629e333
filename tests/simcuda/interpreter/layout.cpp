#include "interpreter/layout.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "interpreter/register_lives.hpp"

namespace simcuda::interpreter {
namespace {

constexpr std::uint32_t line_bytes = 64;
constexpr std::uint32_t predicate_bytes = 0;

std::uint32_t room_for(std::uint32_t lane) {
    return lane == predicate_bytes ? line_bytes : lane * static_cast<std::uint32_t>(warp_size);
}

}  // namespace

Layout::Layout(const ptx::Kernel& kernel, Program::Code& code) : code_(code) {
    scratch_ = add_register(8);
    place_registers(kernel);
}

/// Registers take the places of others of their size that have been read for the last time.
void Layout::place_registers(const ptx::Kernel& kernel) {
    const std::vector<Life> lives = register_lives(kernel);
    std::vector<std::uint32_t> by_begin(lives.size());
    std::iota(by_begin.begin(), by_begin.end(), 0U);
    std::stable_sort(by_begin.begin(), by_begin.end(),
                     [&](std::uint32_t one, std::uint32_t other) { return lives[one].begin < lives[other].begin; });
    registers_.assign(lives.size(), scratch_);
    std::multimap<std::uint32_t, std::uint32_t> ends;
    std::map<std::uint32_t, std::vector<Place>> free;
    for (const std::uint32_t one : by_begin) {
        if (!lives[one].is_used) continue;
        while (!ends.empty() && ends.begin()->first < lives[one].begin) {
            const std::uint32_t ended = ends.begin()->second;
            free[lane_bytes(kernel.registers[ended].type)].push_back(registers_[ended]);
            ends.erase(ends.begin());
        }
        std::vector<Place>& places = free[lane_bytes(kernel.registers[one].type)];
        if (places.empty()) {
            registers_[one] = add_register(lane_bytes(kernel.registers[one].type));
        } else {
            registers_[one] = places.back();
            places.pop_back();
        }
        ends.emplace(lives[one].end, one);
    }
}

Place Layout::add_register(std::uint32_t bytes) {
    const auto place = static_cast<Place>(code_.register_bytes);
    code_.register_bytes += room_for(bytes);
    return place;
}

Place Layout::add_constant(std::uint32_t bytes) {
    const std::size_t offset = code_.constants.size();
    code_.constants.resize(offset + room_for(bytes));
    return static_cast<Place>(offset) | Place{1};
}

Place Layout::constant(std::uint64_t bits, std::uint32_t bytes) {
    if (bytes < 8) bits &= (std::uint64_t{1} << (8 * bytes)) - 1;
    const auto [found, is_new] = constants_.try_emplace({bits, bytes}, no_place);
    if (is_new) {
        found->second = add_constant(bytes);
        std::byte* to = code_.constants.data() + (found->second & ~Place{1});
        for (int lane = 0; lane < warp_size; ++lane, to += bytes) std::memcpy(to, &bits, bytes);
    }
    return found->second;
}

Place Layout::predicate_constant(bool value) {
    const std::uint64_t bits = value ? all_lanes : 0;
    const auto [found, is_new] = constants_.try_emplace({bits, predicate_bytes}, no_place);
    if (is_new) {
        found->second = add_constant(predicate_bytes);
        std::memcpy(code_.constants.data() + (found->second & ~Place{1}), &bits, sizeof(LaneMask));
    }
    return found->second;
}

Place Layout::launch_constant(LaunchConstant constant) {
    const std::string key = std::to_string(static_cast<int>(constant.source)) + ' ' +
                            std::to_string(static_cast<int>(constant.type)) + ' ' + std::to_string(constant.bytes) +
                            ' ' + std::to_string(constant.offset) + ' ' + constant.name;
    const auto [found, is_new] = launch_constants_.try_emplace(key, no_place);
    if (is_new) {
        found->second = constant.place = add_constant(constant.bytes);
        code_.launch_constants.push_back(std::move(constant));
    }
    return found->second;
}

Place Layout::parameter(std::uint64_t offset, ptx::Type type, std::uint32_t bytes) {
    return launch_constant(
        {.source = LaunchConstant::Source::parameter, .type = type, .bytes = bytes, .offset = offset, .name = {}});
}

Place Layout::variable(const std::string& name, std::uint64_t addend, std::uint32_t bytes) {
    return launch_constant(
        {.source = LaunchConstant::Source::variable, .bytes = bytes, .offset = addend, .name = name});
}

Place Layout::once(Place& kept, bool constant) {
    constexpr std::uint32_t bytes = 4;
    if (kept == no_place) kept = constant ? add_constant(bytes) : add_register(bytes);
    return kept;
}

Place Layout::special(const std::string& name) {
    SpecialPlaces& special = code_.special;
    const auto axis = [&](std::string_view prefix) {
        return name.size() == prefix.size() + 2 && name.starts_with(prefix) && name[prefix.size()] == '.'
                   ? name.back() - 'x'
                   : -1;
    };
    const auto shape = [&](std::string_view prefix, LaunchConstant::Source first) {
        const int which = axis(prefix);
        if (which < 0 || which > 2) return no_place;
        const auto source = static_cast<LaunchConstant::Source>(static_cast<int>(first) + which);
        return launch_constant({.source = source, .bytes = 4, .name = {}});
    };
    if (const int which = axis("%tid"); which >= 0 && which <= 2) return once(special.thread[which], false);
    if (const int which = axis("%ctaid"); which >= 0 && which <= 2) return once(special.block[which], true);
    if (name.starts_with("%ntid")) return shape("%ntid", LaunchConstant::Source::block_x);
    if (name.starts_with("%nctaid")) return shape("%nctaid", LaunchConstant::Source::grid_x);
    if (name == "%laneid") return once(special.lane, false);
    if (name == "%warpid") return once(special.warp, false);
    if (name == "%lanemask_eq") return once(special.lanes_equal, false);
    if (name == "%lanemask_lt") return once(special.lanes_below, false);
    if (name == "%lanemask_le") return once(special.lanes_up_to, false);
    if (name == "%lanemask_gt") return once(special.lanes_above, false);
    if (name == "%lanemask_ge") return once(special.lanes_from, false);
    if (name == "%nwarpid") return once(special.warps, true);
    if (name == "%dynamic_smem_size") return once(special.dynamic_shared, true);
    if (name == "%total_smem_size") return once(special.total_shared, true);
    if (name == "%clock" || name == "%clock_hi") return once(special.clock, true);
    if (name == "%smid" || name == "%gridid") return constant(0, 4);
    if (name == "%nsmid") return constant(1, 4);
    if (name == "WARP_SZ") return constant(warp_size, 4);
    return no_place;
}

}  // namespace simcuda::interpreter
