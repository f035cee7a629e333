#include "interpreter/access.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

namespace simcuda::interpreter {
namespace {

using ptx::Space;
using ptx::Type;

std::string hexadecimal(std::uint64_t value) {
    constexpr const char* digits = "0123456789abcdef";
    std::string text;
    do {
        text.insert(text.begin(), digits[value & 15U]);
        value >>= 4;
    } while (value != 0);
    return "0x" + text;
}

bool all_written(const std::uint8_t* written, std::uint32_t bytes) {
    switch (bytes) {
        case 4: {
            std::uint32_t flags = 0;
            std::memcpy(&flags, written, sizeof flags);
            return flags == 0x01010101U;
        }
        case 8: {
            std::uint64_t flags = 0;
            std::memcpy(&flags, written, sizeof flags);
            return flags == 0x0101010101010101U;
        }
        default:
            return std::memchr(written, 0, bytes) == nullptr;
    }
}

/// One access of a warp: first where each lane's bytes lie, then what is done with them.
class WarpAccess {
public:
    WarpAccess(Launch& launch, const Access& access, const Accessor& accessor, LaneMask active)
        : launch_(launch), access_(access), accessor_(accessor), active_(active), bytes_(access.bytes()) {}

    void perform() {
        read_addresses();
        resolve();
        if (launch_.stopped) return;
        if (access_.atomic != AtomicKind::none) {
            change();
        } else if (access_.loads) {
            load();
        } else {
            store();
        }
    }

private:
    ThreadAt thread(int lane) const { return {accessor_.warp, lane, accessor_.step}; }

    std::string asked(std::uint64_t address) const {
        const char* const verb = access_.atomic != AtomicKind::none ? "changes " : access_.loads ? "reads " : "writes ";
        return verb + std::to_string(bytes_) + " bytes at " + hexadecimal(address);
    }

    void read_addresses() {
        const std::uint64_t offset = access_.offset;
        if (access_.base == no_place) {
            addresses_.fill(offset);
        } else if (access_.base_bytes == 8) {
            const auto* const base = accessor_.registers.at<std::uint64_t>(access_.base);
            for (int lane = 0; lane < warp_size; ++lane) addresses_[lane] = base[lane] + offset;
        } else {
            const auto* const base = accessor_.registers.at<std::uint32_t>(access_.base);
            for (int lane = 0; lane < warp_size; ++lane) {
                addresses_[lane] = static_cast<std::uint32_t>(base[lane] + static_cast<std::uint32_t>(offset));
            }
        }
    }

    void resolve() {
        switch (access_.space) {
            case Space::global:
            case Space::constant:
                return resolve_global(active_);
            case Space::shared:
                return for_lanes(active_, [&](int lane) { resolve_shared(lane, addresses_[lane]); });
            case Space::local:
                return for_lanes(active_, [&](int lane) { resolve_local(lane, addresses_[lane]); });
            case Space::param:
                return for_lanes(active_, [&](int lane) { resolve_parameter(lane, addresses_[lane]); });
            case Space::generic:
                return resolve_generic();
        }
    }

    void resolve_generic() {
        const Windows& windows = Windows::instance();
        LaneMask global = 0;
        for_lanes(active_, [&](int lane) {
            const std::uint64_t address = addresses_[lane];
            if (address - windows.shared < Windows::bytes) {
                resolve_shared(lane, address - windows.shared);
            } else if (address - windows.local < Windows::bytes) {
                resolve_local(lane, address - windows.local);
            } else {
                global |= LaneMask{1} << lane;
            }
        });
        if (global != 0) resolve_global(global);
    }

    /// `space`: null for global memory.
    bool is_aligned(int lane, std::uint64_t address, const char* space = nullptr) {
        if ((address & (bytes_ - 1)) == 0) return true;
        const std::string where =
            space != nullptr ? std::string(" of ") + space : ", " + launch_.memory.describe(address, bytes_);
        launch_.report(FindingKind::misaligned_access, thread(lane),
                       asked(address) + where + ", expected a multiple of " + std::to_string(bytes_));
        return false;
    }

    void resolve_global(LaneMask lanes) {
        Reach& reach = launch_.reaches[static_cast<std::size_t>(&access_ - launch_.code.accesses.data())];
        std::uint64_t previous = ~std::uint64_t{0};
        std::uint64_t counted = 0;
        for_lanes(lanes, [&](int lane) {
            const std::uint64_t address = addresses_[lane];
            if (!is_aligned(lane, address)) return;
            if (!holds(reach, address)) {
                reach = launch_.memory.find(address);
                if (!holds(reach, address)) {
                    reach = {};
                    launch_.report(FindingKind::invalid_access, thread(lane),
                                   asked(address) + ", " + launch_.memory.describe(address, bytes_));
                    return;
                }
            }
            const std::uint64_t at = address - reach.begin;
            pointers_[lane] = reach.data + at;
            if (address != previous) counted += bytes_;
            previous = address;
            if (reach.written == nullptr) return;
            if (access_.loads && !all_written(reach.written + at, bytes_) && !used_written(reach.written + at)) {
                launch_.report(
                    FindingKind::unwritten_read, thread(lane),
                    asked(address) + " of which some were never written, " + launch_.memory.describe(address, bytes_));
            }
            if (access_.stores) std::memset(reach.written + at, 1, bytes_);
        });
        if (access_.space == Space::constant) return;
        if (access_.loads) launch_.traffic.loaded += counted;
        if (access_.stores) launch_.traffic.stored += counted;
    }

    /// Calls with the first and the length of what a load uses: all, but where the compiler made it wider.
    template <typename Body>
    void for_used_runs(Body&& body) const {
        if (access_.used_bytes == ~std::uint32_t{0}) return body(0, bytes_);
        for (std::uint32_t byte = 0; byte < bytes_; ++byte) {
            if ((access_.used_bytes >> byte & 1U) != 0) body(byte, 1);
        }
    }

    bool used_written(const std::uint8_t* written) const {
        bool all = true;
        for_used_runs(
            [&](std::uint32_t first, std::uint32_t bytes) { all = all && all_written(written + first, bytes); });
        return all;
    }

    bool holds(const Reach& reach, std::uint64_t address) const {
        return bytes_ <= reach.bytes && address - reach.begin <= reach.bytes - bytes_;
    }

    void resolve_shared(int lane, std::uint64_t offset) {
        if (!is_aligned(lane, offset, "shared memory")) return;
        if (bytes_ > launch_.shared.size() || offset > launch_.shared.size() - bytes_) {
            launch_.report(FindingKind::invalid_access, thread(lane),
                           asked(offset) + " of shared memory, which has " + std::to_string(launch_.shared.size()));
            return;
        }
        pointers_[lane] = launch_.shared.at(offset);
        const auto warp = static_cast<std::uint16_t>(accessor_.warp);
        if (access_.loads) {
            for_used_runs([&](std::uint32_t first, std::uint32_t bytes) {
                note(lane, offset, launch_.shared.note_read(offset + first, bytes, warp, access_.synchronises));
            });
        }
        if (!access_.stores) return;
        std::array<std::byte, 64> value{};
        if (access_.atomic == AtomicKind::none) gather(lane, value.data());
        note(lane, offset, launch_.shared.note_write(offset, bytes_, warp, access_.synchronises, value.data()));
    }

    void note(int lane, std::uint64_t offset, SharedMemory::Trouble trouble) {
        if (trouble == SharedMemory::Trouble::unwritten) {
            launch_.report(FindingKind::unwritten_read, thread(lane),
                           asked(offset) + " of shared memory of which some were never written in this block");
        } else if (trouble == SharedMemory::Trouble::race) {
            launch_.report(FindingKind::race, thread(lane),
                           asked(offset) + " of shared memory that another warp uses with no barrier between");
        }
    }

    void resolve_local(int lane, std::uint64_t offset) {
        if (!is_aligned(lane, offset, "local memory")) return;
        const std::uint64_t room = launch_.code.local_bytes;
        if (bytes_ > room || offset > room - bytes_) {
            launch_.report(FindingKind::invalid_access, thread(lane),
                           asked(offset) + " of local memory, which has " + std::to_string(room));
            return;
        }
        const std::uint64_t at = static_cast<std::uint64_t>(lane) * room + offset;
        pointers_[lane] = accessor_.local + at;
        if (access_.loads && !used_written(accessor_.local_written + at)) {
            launch_.report(FindingKind::unwritten_read, thread(lane),
                           asked(offset) + " of local memory of which some were never written");
        }
        if (access_.stores) std::memset(accessor_.local_written + at, 1, bytes_);
    }

    void resolve_parameter(int lane, std::uint64_t offset) {
        const std::uint64_t room = launch_.code.kernel->parameter_bytes;
        if (access_.stores || bytes_ > room || offset > room - bytes_) {
            launch_.report(FindingKind::invalid_access, thread(lane),
                           asked(offset) + " of the parameters, which have " + std::to_string(room));
            return;
        }
        pointers_[lane] = const_cast<std::byte*>(launch_.parameters) + offset;
    }

    /// What a lane stores.
    void gather(int lane, std::byte* to) const {
        for (std::size_t i = 0; i < access_.elements; ++i) {
            std::memcpy(to + i * access_.element_bytes,
                        accessor_.registers.at<std::byte>(access_.values[i]) +
                            static_cast<std::size_t>(lane) * access_.register_bytes[i],
                        access_.element_bytes);
        }
    }

    template <typename Memory, typename Register>
    void load_element(std::size_t element) {
        auto* const to = accessor_.registers.at<Register>(access_.values[element]);
        const std::size_t offset = element * sizeof(Memory);
        for_lanes(active_, [&](int lane) {
            Memory value;
            std::memcpy(&value, pointers_[lane] + offset, sizeof value);
            to[lane] = static_cast<Register>(value);
        });
    }

    /// A value of memory widened into a register of that many bytes.
    template <typename Memory>
    void load_elements() {
        for (std::size_t i = 0; i < access_.elements; ++i) {
            switch (access_.register_bytes[i]) {
                case 2:
                    load_element<Memory, std::uint16_t>(i);
                    break;
                case 4:
                    load_element<Memory, std::uint32_t>(i);
                    break;
                default:
                    load_element<Memory, std::uint64_t>(i);
                    break;
            }
        }
    }

    void load() {
        const bool is_signed = access_.type == Type::s8 || access_.type == Type::s16 || access_.type == Type::s32;
        switch (access_.element_bytes) {
            case 1:
                return is_signed ? load_elements<std::int8_t>() : load_elements<std::uint8_t>();
            case 2:
                return is_signed ? load_elements<std::int16_t>() : load_elements<std::uint16_t>();
            case 4:
                return is_signed ? load_elements<std::int32_t>() : load_elements<std::uint32_t>();
            default:
                return load_elements<std::uint64_t>();
        }
    }

    template <typename Memory>
    void store_elements() {
        for (std::size_t i = 0; i < access_.elements; ++i) {
            const std::byte* const from = accessor_.registers.at<std::byte>(access_.values[i]);
            const std::size_t stride = access_.register_bytes[i];
            for_lanes(active_, [&](int lane) {
                std::memcpy(pointers_[lane] + i * sizeof(Memory), from + static_cast<std::size_t>(lane) * stride,
                            sizeof(Memory));
            });
        }
    }

    void store() {
        switch (access_.element_bytes) {
            case 1:
                return store_elements<std::uint8_t>();
            case 2:
                return store_elements<std::uint16_t>();
            case 4:
                return store_elements<std::uint32_t>();
            default:
                return store_elements<std::uint64_t>();
        }
    }

    template <typename Value>
    static Value changed(AtomicKind kind, Value held, Value first, Value second) {
        switch (kind) {
            case AtomicKind::add:
                return static_cast<Value>(held + first);
            case AtomicKind::minimum:
                return std::min(held, first);
            case AtomicKind::maximum:
                return std::max(held, first);
            case AtomicKind::exchange:
                return first;
            case AtomicKind::compare_and_swap:
                return held == first ? second : held;
            default:
                break;
        }
        if constexpr (std::is_unsigned_v<Value>) {
            switch (kind) {
                case AtomicKind::bit_and:
                    return held & first;
                case AtomicKind::bit_or:
                    return held | first;
                case AtomicKind::bit_xor:
                    return held ^ first;
                case AtomicKind::increment:
                    return held >= first ? Value{0} : held + 1;
                case AtomicKind::decrement:
                    return held == 0 || held > first ? first : held - 1;
                default:
                    break;
            }
        }
        return held;
    }

    /// Lane after lane: any order is one that a card could take.
    template <typename Value>
    void change_values() {
        auto* const to = accessor_.registers.at<Value>(access_.values[0]);
        const auto* const first = accessor_.registers.at<Value>(access_.operands[0]);
        const auto* const second = accessor_.registers.at<Value>(access_.operands[1]);
        for_lanes(active_, [&](int lane) {
            Value held;
            std::memcpy(&held, pointers_[lane], sizeof held);
            const Value value = changed(access_.atomic, held, first[lane], second[lane]);
            std::memcpy(pointers_[lane], &value, sizeof value);
            to[lane] = held;
        });
    }

    void change() {
        switch (access_.type) {
            case Type::f32:
                return change_values<float>();
            case Type::f64:
                return change_values<double>();
            case Type::s32:
                return change_values<std::int32_t>();
            case Type::s64:
                return change_values<std::int64_t>();
            default:
                return access_.element_bytes == 8 ? change_values<std::uint64_t>() : change_values<std::uint32_t>();
        }
    }

    Launch& launch_;
    const Access& access_;
    const Accessor& accessor_;
    const LaneMask active_;
    const std::uint32_t bytes_;
    std::array<std::uint64_t, warp_size> addresses_;
    std::array<std::byte*, warp_size> pointers_;
};

}  // namespace

void perform_access(Launch& launch, const Access& access, const Accessor& accessor, LaneMask active) {
    WarpAccess(launch, access, accessor, active).perform();
}

}  // namespace simcuda::interpreter
