#include "interpreter/register_lives.hpp"

#include <algorithm>
#include <bit>

namespace simcuda::interpreter {
namespace {

using ptx::Instruction;
using ptx::Operand;

/// A set of registers.
class RegisterSet {
public:
    explicit RegisterSet(std::size_t registers) : words_((registers + 63) / 64) {}

    void add(std::uint32_t one) { words_[one / 64] |= std::uint64_t{1} << one % 64; }
    void remove(std::uint32_t one) { words_[one / 64] &= ~(std::uint64_t{1} << one % 64); }
    /// True when that added any.
    bool add_all(const RegisterSet& others) {
        std::uint64_t added = 0;
        for (std::size_t i = 0; i < words_.size(); ++i) {
            added |= others.words_[i] & ~words_[i];
            words_[i] |= others.words_[i];
        }
        return added != 0;
    }
    template <typename Visit>
    void for_each(Visit visit) const {
        for (std::size_t i = 0; i < words_.size(); ++i) {
            for (std::uint64_t left = words_[i]; left != 0; left &= left - 1) {
                visit(static_cast<std::uint32_t>(i * 64) + static_cast<std::uint32_t>(std::countr_zero(left)));
            }
        }
    }

private:
    std::vector<std::uint64_t> words_;
};

bool writes_first_operand(const Instruction& instruction) {
    for (const char* reader : {"st", "red", "bra", "brx", "bar", "barrier", "call", "prefetch", "discard"}) {
        if (instruction.opcode == reader) return false;
    }
    return true;
}

template <typename Visit>
void for_each_register(const Operand& operand, Visit visit) {
    const bool is_register = operand.kind == Operand::Kind::reg || operand.kind == Operand::Kind::address;
    if (is_register && operand.index >= 0) visit(static_cast<std::uint32_t>(operand.index));
    for (const Operand& part : operand.parts) for_each_register(part, visit);
}

/// Visits what an instruction writes whatever its guard says, then what it reads. A guarded write leaves the value of
/// the threads it passes over, so it ends no life.
template <typename Written, typename Read>
void visit_registers(const Instruction& instruction, Written written, Read read) {
    for (std::size_t i = 0; i < instruction.operands.size(); ++i) {
        if (i == 0 && writes_first_operand(instruction)) for_each_register(instruction.operands[i], written);
    }
    for (std::size_t i = 0; i < instruction.operands.size(); ++i) {
        if (i > 0 || !writes_first_operand(instruction)) for_each_register(instruction.operands[i], read);
    }
    if (instruction.guard >= 0) read(static_cast<std::uint32_t>(instruction.guard));
}

struct Stretch {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;  ///< one behind the last instruction
    std::vector<std::uint32_t> successors;
};

bool ends_stretch(const Instruction& instruction) {
    return instruction.opcode == "bra" || instruction.opcode == "brx" || instruction.opcode == "ret" ||
           instruction.opcode == "exit";
}

template <typename Visit>
void for_each_label(const Operand& operand, Visit visit) {
    if (operand.kind == Operand::Kind::label) visit(static_cast<std::uint32_t>(operand.index));
    for (const Operand& part : operand.parts) for_each_label(part, visit);
}

std::vector<Stretch> stretches_of(const ptx::Kernel& kernel) {
    const auto count = static_cast<std::uint32_t>(kernel.instructions.size());
    std::vector<bool> begins(count + 1, false);
    begins[0] = true;
    for (std::uint32_t i = 0; i < count; ++i) {
        const Instruction& instruction = kernel.instructions[i];
        if (!ends_stretch(instruction)) continue;
        begins[i + 1] = true;
        for (const Operand& operand : instruction.operands) {
            for_each_label(operand, [&](std::uint32_t target) { begins[target] = true; });
        }
    }
    std::vector<Stretch> stretches;
    std::vector<std::uint32_t> stretch_at(count + 1, 0);
    for (std::uint32_t i = 0; i < count; ++i) {
        if (begins[i]) stretches.push_back({i, i, {}});
        stretch_at[i] = static_cast<std::uint32_t>(stretches.size() - 1);
        stretches.back().end = i + 1;
    }
    for (Stretch& stretch : stretches) {
        const Instruction& last = kernel.instructions[stretch.end - 1];
        const auto go_to = [&](std::uint32_t target) {
            if (target < count) stretch.successors.push_back(stretch_at[target]);
        };
        for (const Operand& operand : last.operands) for_each_label(operand, go_to);
        const bool always_leaves = ends_stretch(last) && last.guard < 0;
        if (!always_leaves) go_to(stretch.end);
    }
    return stretches;
}

/// From the end of the stretch to its begin: what lives after an instruction becomes what lives before it.
template <typename Visit>
void walk_back(const ptx::Kernel& kernel, const Stretch& stretch, RegisterSet& alive, Visit visit) {
    for (std::uint32_t i = stretch.end; i-- > stretch.begin;) {
        const Instruction& instruction = kernel.instructions[i];
        visit_registers(
            instruction,
            [&](std::uint32_t written) {
                visit(i, written);
                if (instruction.guard < 0) alive.remove(written);
            },
            [&](std::uint32_t read) {
                visit(i, read);
                alive.add(read);
            });
    }
}

}  // namespace

std::vector<Life> register_lives(const ptx::Kernel& kernel) {
    std::vector<Life> lives(kernel.registers.size());
    if (kernel.instructions.empty()) return lives;
    const std::vector<Stretch> stretches = stretches_of(kernel);
    std::vector<RegisterSet> alive_before(stretches.size(), RegisterSet(kernel.registers.size()));
    const auto alive_after = [&](const Stretch& stretch) {
        RegisterSet alive(kernel.registers.size());
        for (const std::uint32_t successor : stretch.successors) alive.add_all(alive_before[successor]);
        return alive;
    };
    for (bool changed = true; changed;) {
        changed = false;
        for (std::size_t i = stretches.size(); i-- > 0;) {
            RegisterSet alive = alive_after(stretches[i]);
            walk_back(kernel, stretches[i], alive, [](std::uint32_t, std::uint32_t) {});
            changed = alive_before[i].add_all(alive) || changed;
        }
    }

    const auto extend = [&](std::uint32_t at, std::uint32_t one) {
        Life& life = lives[one];
        life.begin = life.is_used ? std::min(life.begin, at) : at;
        life.end = life.is_used ? std::max(life.end, at) : at;
        life.is_used = true;
    };
    for (std::size_t i = 0; i < stretches.size(); ++i) {
        RegisterSet alive = alive_after(stretches[i]);
        alive.for_each([&](std::uint32_t one) { extend(stretches[i].end - 1, one); });
        walk_back(kernel, stretches[i], alive, extend);
        alive.for_each([&](std::uint32_t one) { extend(stretches[i].begin, one); });
    }
    return lives;
}

}  // namespace simcuda::interpreter
