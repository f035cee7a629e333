#include "interpreter/arithmetic/lanes.hpp"

namespace simcuda::interpreter::SIMCUDA_ARITHMETIC {
namespace {

template <typename To, typename From>
To copy(From value) {
    return static_cast<To>(value);
}

template <typename To, typename Part>
To pack2(Part a, Part b) {
    return static_cast<To>(To{b} << (8 * sizeof(Part)) | a);
}

template <typename To, typename Part, int bits>
To pack4(Part a, Part b, Part c, Part d) {
    const auto part = [](Part value) { return To{value} & ((To{1} << bits) - 1U); };
    return part(a) | part(b) << bits | part(c) << (2 * bits) | part(d) << (3 * bits);
}

template <typename Part, typename From>
void unpack2(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
    const From* const from = lanes_at<From>(registers, operation.sources[0]);
    Part* const low = lanes_at<Part>(registers, operation.to);
    Part* const high = lanes_at<Part>(registers, operation.also_to);
    each_lane(
        active, [=](int lane) __attribute__((always_inline)) {
            const From value = from[lane];
            low[lane] = static_cast<Part>(value);
            high[lane] = static_cast<Part>(value >> (8 * sizeof(Part)));
        });
}

/// The third and fourth destination are in the places of the second and third source.
template <typename Part, typename From, int bits>
void unpack4(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
    const From* const from = lanes_at<From>(registers, operation.sources[0]);
    Part* const to[4] = {lanes_at<Part>(registers, operation.to), lanes_at<Part>(registers, operation.also_to),
                         lanes_at<Part>(registers, operation.sources[1]),
                         lanes_at<Part>(registers, operation.sources[2])};
    each_lane(
        active, [&](int lane) __attribute__((always_inline)) {
            const From value = from[lane];
            for (int part = 0; part < 4; ++part) {
                to[part][lane] = static_cast<Part>(value >> (bits * part) & ((From{1} << bits) - 1U));
            }
        });
}

void move_predicate(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
    write_mask(registers, operation.to, active, source_mask(operation, registers, 0));
}

template <typename To>
Apply copy_to(std::uint32_t from_bytes) {
    switch (from_bytes) {
        case 2:
            return Lanes<&copy<To, U16>>::apply;
        case 4:
            return Lanes<&copy<To, U32>>::apply;
        case 8:
            return Lanes<&copy<To, U64>>::apply;
        default:
            return nullptr;
    }
}

Apply packing(std::uint32_t bytes, int parts) {
    if (bytes == 4 && parts == 2) return Lanes<&pack2<U32, U16>>::apply;
    if (bytes == 8 && parts == 2) return Lanes<&pack2<U64, U32>>::apply;
    if (bytes == 4 && parts == 4) return Lanes<&pack4<U32, U16, 8>>::apply;
    if (bytes == 8 && parts == 4) return Lanes<&pack4<U64, U16, 16>>::apply;
    return nullptr;
}

Apply unpacking(std::uint32_t bytes, int parts) {
    if (bytes == 4 && parts == 2) return &unpack2<U16, U32>;
    if (bytes == 8 && parts == 2) return &unpack2<U32, U64>;
    if (bytes == 4 && parts == 4) return &unpack4<U16, U32, 8>;
    if (bytes == 8 && parts == 4) return &unpack4<U16, U64, 16>;
    return nullptr;
}

}  // namespace

Apply move(const Form& form) {
    if (form.opcode != Opcode::mov) return nullptr;
    if (form.packed != 0) return form.to_bytes == form.bytes ? packing(form.bytes, form.packed) : nullptr;
    if (form.sources != 1) return nullptr;
    if (form.unpacked != 0) return form.from_bytes == form.bytes ? unpacking(form.bytes, form.unpacked) : nullptr;
    if (form.type == ptx::Type::pred) return &move_predicate;
    switch (form.to_bytes) {
        case 2:
            return copy_to<U16>(form.from_bytes);
        case 4:
            return copy_to<U32>(form.from_bytes);
        case 8:
            return copy_to<U64>(form.from_bytes);
        default:
            return nullptr;
    }
}

}  // namespace simcuda::interpreter::SIMCUDA_ARITHMETIC
