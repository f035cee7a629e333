#include "arithmetic_warp.hpp"

#include <algorithm>
#include <array>
#include <random>

#include <gtest/gtest.h>

#include "interpreter/arithmetic/form.hpp"

namespace simcuda::test {
namespace {

using interpreter::all_lanes;
using interpreter::Apply;
using interpreter::LaneMask;
using interpreter::Operation;
using interpreter::Place;
using interpreter::Target;
using interpreter::warp_size;
using interpreter::WarpRegisters;
using ptx::Type;

constexpr std::size_t array_bytes = warp_size * 8;
constexpr std::size_t arrays = 10;  ///< four destinations, four sources, one that nothing may touch, and `nowhere`
constexpr std::size_t nowhere = 9;  ///< where a second result goes that nobody asks for

/// The registers of one warp: an array of 32 lanes for every operand.
class Registers {
public:
    Registers() { bytes_.fill(std::byte{0xa5}); }

    static Place place(std::size_t array) { return static_cast<Place>(array * array_bytes); }
    WarpRegisters view() { return {{bytes_.data(), nullptr}}; }

    void write(std::size_t array, Type type, std::size_t lane, std::uint64_t bits) {
        if (type == Type::pred) {
            LaneMask mask = 0;
            std::memcpy(&mask, at(array), sizeof mask);
            mask = (mask & ~(LaneMask{1} << lane)) | static_cast<LaneMask>(bits & 1U) << lane;
            std::memcpy(at(array), &mask, sizeof mask);
            return;
        }
        const std::size_t bytes = interpreter::lane_bytes(type);
        std::memcpy(at(array) + lane * bytes, &bits, bytes);
    }

    std::uint64_t read(std::size_t array, Type type, std::size_t lane) const {
        std::uint64_t bits = 0;
        if (type == Type::pred) {
            std::memcpy(&bits, at(array), sizeof(LaneMask));
            return bits >> lane & 1U;
        }
        const std::size_t bytes = interpreter::lane_bytes(type);
        std::memcpy(&bits, at(array) + lane * bytes, bytes);
        return bits;
    }

    bool same(std::size_t array, const Registers& other) const {
        return std::memcmp(at(array), other.at(array), array_bytes) == 0;
    }

private:
    std::byte* at(std::size_t array) { return bytes_.data() + array * array_bytes; }
    const std::byte* at(std::size_t array) const { return bytes_.data() + array * array_bytes; }

    alignas(64) std::array<std::byte, arrays * array_bytes> bytes_;
};

/// One warp of rows, from `first` on; rows that are no longer there are lanes that take no part.
struct Batch {
    const std::vector<Column>& sources;
    Type to;
    std::size_t destinations;
    Operation operation;

    Registers registers_at(std::size_t first, std::size_t rows) const {
        Registers registers;
        for (std::size_t source = 0; source < sources.size(); ++source) {
            for (std::size_t lane = 0; lane < rows; ++lane) {
                registers.write(4 + source, sources[source].type, lane, sources[source].values[first + lane]);
            }
        }
        return registers;
    }

    /// The registers after the lanes of `active` have run; fails where another lane was written.
    Registers run(Apply apply, const Registers& before, LaneMask active) const {
        Registers after = before;
        apply(operation, after.view(), active);
        for (std::size_t array = 0; array < arrays; ++array) {
            if (array == nowhere) continue;
            if (array >= destinations) {
                EXPECT_TRUE(after.same(array, before)) << "operand " << array;
                continue;
            }
            for (std::size_t lane = 0; lane < warp_size; ++lane) {
                if ((active >> lane & 1U) != 0) continue;
                EXPECT_EQ(after.read(array, to, lane), before.read(array, to, lane)) << "lane " << lane;
            }
        }
        return after;
    }
};

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> words(1);
    for (const char c : text) {
        if (c == '.') {
            words.emplace_back();
        } else {
            words.back() += c;
        }
    }
    return words;
}

ptx::Operand register_operand() {
    ptx::Operand operand;
    operand.kind = ptx::Operand::Kind::reg;
    operand.index = 0;
    return operand;
}

}  // namespace

ptx::Instruction instruction_of(const std::string& spelling, std::size_t sources, std::size_t destinations) {
    ptx::Instruction instruction;
    std::vector<std::string> words = split(spelling);
    instruction.opcode = words.front();
    instruction.modifiers.assign(words.begin() + 1, words.end());
    ptx::Operand to = register_operand();
    if (destinations > 1) {
        to.kind = ptx::Operand::Kind::vector;
        to.parts.assign(destinations, register_operand());
    }
    instruction.operands.push_back(to);
    for (std::size_t source = 0; source < sources; ++source) instruction.operands.push_back(register_operand());
    return instruction;
}

std::vector<std::vector<std::uint64_t>> computed(const ptx::Instruction& instruction, Type to, std::size_t destinations,
                                                 const std::vector<Column>& sources) {
    Batch batch{sources, to, destinations, {}};
    batch.operation.variant = interpreter::operation_variant(instruction);
    batch.operation.also_to = Registers::place(nowhere);
    // The third and fourth destination of an unpacking stand where the second and third source would.
    const std::array<Place*, 4> to_places = {&batch.operation.to, &batch.operation.also_to, &batch.operation.sources[1],
                                             &batch.operation.sources[2]};
    std::vector<Type> types;
    for (std::size_t source = 0; source < sources.size(); ++source) {
        batch.operation.sources[source] = Registers::place(4 + source);
        types.push_back(sources[source].type);
        if (sources[source].negated) {
            batch.operation.negated_sources = static_cast<std::uint8_t>(batch.operation.negated_sources | 1U << source);
        }
    }
    for (std::size_t part = 0; part < destinations; ++part) *to_places[part] = Registers::place(part);

    std::vector<Apply> targets;
    for (const Target target : {Target::baseline, Target::avx2}) {
        if (!interpreter::has_target(target)) continue;
        targets.push_back(
            interpreter::select_for(target, instruction, to, types.data(), static_cast<int>(types.size())));
        EXPECT_NE(targets.back(), nullptr) << instruction.opcode << " is not known";
        if (targets.back() == nullptr) return {};
    }

    std::vector<std::vector<std::uint64_t>> results(destinations);
    std::mt19937 random(1);
    const std::size_t rows = sources[0].values.size();
    for (std::size_t first = 0; first < rows; first += warp_size) {
        const std::size_t count = std::min<std::size_t>(warp_size, rows - first);
        const LaneMask full = count == warp_size ? all_lanes : (LaneMask{1} << count) - 1U;
        const Registers before = batch.registers_at(first, count);
        const Registers after = batch.run(targets[0], before, full);
        for (std::size_t part = 0; part < destinations; ++part) {
            for (std::size_t lane = 0; lane < count; ++lane) results[part].push_back(after.read(part, to, lane));
        }
        // A few lanes, or about half of them.
        LaneMask some = static_cast<LaneMask>(random()) & full;
        if (first / warp_size % 2 != 0) some &= static_cast<LaneMask>(random() & random());
        for (const Apply apply : targets) {
            const Registers again = batch.run(apply, before, full);
            for (std::size_t part = 0; part < destinations; ++part) {
                EXPECT_TRUE(again.same(part, after)) << "targets differ, rows from " << first;
            }
            if (some == 0) continue;
            const Registers partly = batch.run(apply, before, some);
            for (std::size_t part = 0; part < destinations; ++part) {
                for (std::size_t lane = 0; lane < count; ++lane) {
                    if ((some >> lane & 1U) == 0) continue;
                    EXPECT_EQ(partly.read(part, to, lane), after.read(part, to, lane)) << "row " << first + lane;
                }
            }
        }
    }
    return results;
}

std::vector<std::uint64_t> computed(const std::string& spelling, Type to, const std::vector<Column>& sources) {
    SCOPED_TRACE(spelling);
    const auto results = computed(instruction_of(spelling, sources.size()), to, 1, sources);
    return results.empty() ? std::vector<std::uint64_t>{} : results[0];
}

}  // namespace simcuda::test
