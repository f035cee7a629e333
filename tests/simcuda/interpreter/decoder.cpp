#include "interpreter/decoder.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>

#include "interpreter/layout.hpp"

namespace simcuda::interpreter {
namespace {

using ptx::Instruction;
using ptx::Operand;
using ptx::Space;
using ptx::Type;

/// What this decoder has no step for; caught for each instruction.
struct Unknown {};

/// Where a variable lies that has an address of its own in each block or thread.
struct Placed {
    Space space = Space::shared;
    std::uint64_t offset = 0;
};

std::uint64_t rounded_up(std::uint64_t value, std::uint64_t step) { return (value + step - 1) / step * step; }

template <typename Value>
void move(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
    const auto* const from = registers.at<Value>(operation.sources[0]);
    auto* const to = registers.at<Value>(operation.to);
    for_lanes(active, [&](int lane) { to[lane] = from[lane]; });
}

Apply move_of(std::uint32_t bytes) {
    return bytes == 8 ? move<std::uint64_t> : bytes == 4 ? move<std::uint32_t> : move<std::uint16_t>;
}

void add_64(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
    const auto* const first = registers.at<std::uint64_t>(operation.sources[0]);
    const auto* const second = registers.at<std::uint64_t>(operation.sources[1]);
    auto* const to = registers.at<std::uint64_t>(operation.to);
    for_lanes(active, [&](int lane) { to[lane] = first[lane] + second[lane]; });
}

/// True for a generic address (source 0) within the window that begins at source 1.
void in_window(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
    const auto* const address = registers.at<std::uint64_t>(operation.sources[0]);
    const auto* const begin = registers.at<std::uint64_t>(operation.sources[1]);
    LaneMask inside = 0;
    for_lanes(active, [&](int lane) { inside |= LaneMask{address[lane] - begin[lane] < Windows::bytes} << lane; });
    LaneMask& to = registers.predicate(operation.to);
    to = (to & ~active) | inside;
}

/// True for a generic address in none of the two windows.
void in_no_window(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
    const auto* const address = registers.at<std::uint64_t>(operation.sources[0]);
    const auto* const shared = registers.at<std::uint64_t>(operation.sources[1]);
    const auto* const local = registers.at<std::uint64_t>(operation.sources[2]);
    LaneMask outside = 0;
    for_lanes(active, [&](int lane) {
        outside |=
            LaneMask{address[lane] - shared[lane] >= Windows::bytes && address[lane] - local[lane] >= Windows::bytes}
            << lane;
    });
    LaneMask& to = registers.predicate(operation.to);
    to = (to & ~active) | outside;
}

/// `mov.b64 {a, b, c, d}, e` and the like: parts of a value, lowest first.
template <typename Whole, typename Part, int count>
void unpack(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
    const auto* const from = registers.at<Whole>(operation.sources[0]);
    const std::array<Place, 4> places{operation.to, operation.also_to, operation.sources[1], operation.sources[2]};
    std::array<Part*, count> to;
    for (int part = 0; part < count; ++part) to[part] = registers.at<Part>(places[part]);
    for_lanes(active, [&](int lane) {
        const Whole whole = from[lane];
        for (int part = 0; part < count; ++part) to[part][lane] = static_cast<Part>(whole >> (8 * sizeof(Part) * part));
    });
}

template <typename Whole, typename Part, int count>
void pack(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
    std::array<const Part*, count> from;
    for (int part = 0; part < count; ++part) from[part] = registers.at<Part>(operation.sources[part]);
    auto* const to = registers.at<Whole>(operation.to);
    for_lanes(active, [&](int lane) {
        Whole whole = 0;
        for (int part = 0; part < count; ++part) {
            whole =
                static_cast<Whole>(whole | static_cast<Whole>(Whole{from[part][lane]} << (8 * sizeof(Part) * part)));
        }
        to[lane] = whole;
    });
}

template <bool is_pack>
Apply regroup(std::uint32_t whole_bytes, std::size_t parts) {
    if (whole_bytes == 8 && parts == 2) {
        return is_pack ? pack<std::uint64_t, std::uint32_t, 2> : unpack<std::uint64_t, std::uint32_t, 2>;
    }
    if (whole_bytes == 8 && parts == 4) {
        return is_pack ? pack<std::uint64_t, std::uint16_t, 4> : unpack<std::uint64_t, std::uint16_t, 4>;
    }
    if (whole_bytes == 4 && parts == 2) {
        return is_pack ? pack<std::uint32_t, std::uint16_t, 2> : unpack<std::uint32_t, std::uint16_t, 2>;
    }
    throw Unknown{};
}

class Decoder {
public:
    Decoder(const ptx::Kernel& kernel, const std::vector<ptx::Variable>& module_variables)
        : kernel_(kernel), code_(std::make_unique<Program::Code>()), layout_(kernel, *code_) {
        code_->kernel = &kernel;
        place_variables(module_variables);
    }

    std::unique_ptr<Program::Code> decode() {
        for (const Instruction& instruction : kernel_.instructions) {
            Step step;
            try {
                step = decode_one(instruction);
            } catch (const Unknown&) {
                step = {};
                code_->unknown.push_back("line " + std::to_string(instruction.line) + ": " + instruction.text);
            }
            if (instruction.guard >= 0) {
                step.guarded = true;
                step.guard_negated = instruction.guard_negated;
                step.guard = layout_.of_register(instruction.guard);
            }
            code_->steps.push_back(step);
        }
        return std::move(code_);
    }

private:
    void place_variables(const std::vector<ptx::Variable>& module_variables) {
        std::vector<const ptx::Variable*> dynamic;
        std::uint64_t shared = 0;
        std::uint64_t local = 0;
        const auto place = [&](const ptx::Variable& variable) {
            const std::uint64_t alignment = std::max<std::uint64_t>(variable.alignment, 1);
            if (variable.space == Space::shared && variable.bytes == 0) {
                dynamic.push_back(&variable);
            } else if (variable.space == Space::shared) {
                shared = rounded_up(shared, alignment);
                placed_[variable.name] = {Space::shared, shared};
                shared += variable.bytes;
            } else if (variable.space == Space::local) {
                local = rounded_up(local, alignment);
                placed_[variable.name] = {Space::local, local};
                local += variable.bytes;
            }
        };
        for (const ptx::Variable& variable : kernel_.variables) place(variable);
        for (const ptx::Variable& variable : module_variables) {
            // A shared variable of the module takes room only in the kernels that name it.
            if (variable.space != Space::shared || is_named(variable.name)) place(variable);
        }
        for (const ptx::Variable* variable : dynamic) {
            shared = rounded_up(shared, std::max<std::uint64_t>(variable->alignment, 16));
        }
        for (const ptx::Variable* variable : dynamic) placed_[variable->name] = {Space::shared, shared};
        for (std::size_t i = 0; i < kernel_.parameters.size(); ++i) {
            placed_[kernel_.parameters[i].name] = {Space::param, kernel_.parameter_offsets[i]};
        }
        code_->static_shared_bytes = static_cast<std::uint32_t>(shared);
        code_->local_bytes = static_cast<std::uint32_t>(rounded_up(local, 16));
    }

    bool is_named(const std::string& name) const {
        const auto names = [&](const auto& self, const Operand& operand) -> bool {
            return operand.name == name || std::any_of(operand.parts.begin(), operand.parts.end(),
                                                       [&](const Operand& part) { return self(self, part); });
        };
        return std::any_of(kernel_.instructions.begin(), kernel_.instructions.end(), [&](const Instruction& one) {
            return std::any_of(one.operands.begin(), one.operands.end(),
                               [&](const Operand& operand) { return names(names, operand); });
        });
    }

    Type declared(const Operand& operand) const {
        return kernel_.registers[static_cast<std::size_t>(operand.index)].type;
    }

    /// A place to write to.
    Place target(const Operand& operand) const {
        if (operand.kind == Operand::Kind::sink) return layout_.scratch();
        if (operand.kind != Operand::Kind::reg) throw Unknown{};
        return layout_.of_register(operand.index);
    }

    /// A place to read from; a number is one of that type.
    Place source(const Operand& operand, Type type) {
        switch (operand.kind) {
            case Operand::Kind::reg:
                return layout_.of_register(operand.index);
            case Operand::Kind::special:
                return special(operand);
            case Operand::Kind::integer:
            case Operand::Kind::f32:
            case Operand::Kind::f64:
                return number(operand, type);
            case Operand::Kind::variable:
                return address_of(operand.name, operand.bits, lane_bytes(type));
            default:
                throw Unknown{};
        }
    }

    Place special(const Operand& operand) {
        const Place place = layout_.special(operand.name);
        if (place == no_place) throw Unknown{};
        return place;
    }

    Place number(const Operand& operand, Type type) {
        if (type == Type::pred) return layout_.predicate_constant(operand.bits != 0);
        const std::uint32_t bytes = lane_bytes(type);
        if (bytes == 0) throw Unknown{};
        std::uint64_t bits = operand.bits;
        if (operand.kind == Operand::Kind::f64 && type == Type::f32) {
            bits = std::bit_cast<std::uint32_t>(static_cast<float>(std::bit_cast<double>(bits)));
        } else if (operand.kind == Operand::Kind::f32 && type == Type::f64) {
            bits = std::bit_cast<std::uint64_t>(double{std::bit_cast<float>(static_cast<std::uint32_t>(bits))});
        }
        return layout_.constant(bits, bytes);
    }

    /// The address of a variable in its own space.
    Place address_of(const std::string& name, std::uint64_t addend, std::uint32_t bytes) {
        const auto placed = placed_.find(name);
        if (placed != placed_.end()) return layout_.constant(placed->second.offset + addend, bytes);
        return layout_.variable(name, addend, bytes);
    }

    static Type type_of(const Instruction& instruction) {
        for (auto modifier = instruction.modifiers.rbegin(); modifier != instruction.modifiers.rend(); ++modifier) {
            if (const Type type = ptx::parse_type(*modifier); type != Type::none) return type;
        }
        return Type::none;
    }

    static const Operand& operand(const Instruction& instruction, std::size_t index) {
        if (index >= instruction.operands.size()) throw Unknown{};
        return instruction.operands[index];
    }

    static Step of_kind(StepKind kind) {
        Step step;
        step.kind = kind;
        return step;
    }

    Step decode_one(const Instruction& instruction) {
        const std::string& opcode = instruction.opcode;
        if (opcode == "bra") return decode_branch(instruction);
        if (opcode == "brx") return decode_branch_by_index(instruction);
        if (opcode == "ret" || opcode == "exit") return of_kind(StepKind::leave);
        if (opcode == "trap") return of_kind(StepKind::trap);
        if (opcode == "membar" || opcode == "fence" || opcode == "nanosleep" || opcode == "prefetch" ||
            opcode == "prefetchu" || opcode == "pmevent" || opcode == "discard" || opcode == "applypriority") {
            return of_kind(StepKind::nothing);
        }
        if (opcode == "bar" || opcode == "barrier") return decode_barrier(instruction);
        if (opcode == "ld" || opcode == "ldu") return decode_load(instruction);
        if (opcode == "st") return decode_store(instruction);
        if (opcode == "atom" || opcode == "red") return decode_atomic(instruction);
        if (opcode == "shfl") return decode_shuffle(instruction);
        if (opcode == "vote") return decode_vote(instruction);
        if (opcode == "match") return decode_match(instruction);
        if (opcode == "redux") return decode_reduction(instruction);
        if (opcode == "activemask") {
            Step step = of_kind(StepKind::active_lanes);
            step.operation.to = target(operand(instruction, 0));
            return step;
        }
        if (opcode == "elect") return decode_elect(instruction);
        if (opcode == "cvta") return decode_conversion_of_address(instruction);
        if (opcode == "isspacep") return decode_question_of_space(instruction);
        if (opcode == "mov" && is_regrouping(instruction)) return decode_regrouping(instruction);
        return decode_arithmetic(instruction);
    }

    Step decode_arithmetic(const Instruction& instruction) {
        if (instruction.operands.empty() || instruction.operands.size() > 5) throw Unknown{};
        Step step = of_kind(StepKind::arithmetic);
        Operation& operation = step.operation;
        const Operand& first = instruction.operands[0];
        Type to_type = Type::none;
        if (first.kind == Operand::Kind::vector) {
            if (first.parts.size() != 2) throw Unknown{};
            operation.to = target(first.parts[0]);
            operation.also_to = target(first.parts[1]);
            if (first.parts[0].kind == Operand::Kind::reg) to_type = declared(first.parts[0]);
        } else {
            operation.to = target(first);
            operation.also_to = layout_.scratch();
            if (first.kind == Operand::Kind::reg) to_type = declared(first);
        }
        std::array<Type, 4> types{};
        const int sources = static_cast<int>(instruction.operands.size()) - 1;
        for (int i = 0; i < sources; ++i) {
            const Operand& one = instruction.operands[static_cast<std::size_t>(i) + 1];
            const auto at = static_cast<std::size_t>(i);
            types[at] = one.kind == Operand::Kind::reg       ? declared(one)
                        : one.kind == Operand::Kind::special ? Type::b32
                                                             : immediate_type(instruction, i);
            operation.sources[at] = source(one, types[at]);
            if (one.negated) operation.negated_sources |= static_cast<std::uint8_t>(1U << at);
        }
        operation.variant = operation_variant(instruction);
        operation.apply = select_arithmetic(instruction, to_type, types.data(), sources);
        if (operation.apply == nullptr) throw Unknown{};
        return step;
    }

    Step decode_branch(const Instruction& instruction) {
        const Operand& label = operand(instruction, 0);
        if (label.kind != Operand::Kind::label) throw Unknown{};
        Step step = of_kind(StepKind::branch);
        step.target = static_cast<std::uint32_t>(label.index);
        return step;
    }

    Step decode_branch_by_index(const Instruction& instruction) {
        const Operand& labels = operand(instruction, 1);
        if (labels.kind != Operand::Kind::vector) throw Unknown{};
        std::vector<std::uint32_t> table;
        for (const Operand& label : labels.parts) {
            if (label.kind != Operand::Kind::label) throw Unknown{};
            table.push_back(static_cast<std::uint32_t>(label.index));
        }
        Step step = of_kind(StepKind::branch_by_index);
        step.operation.sources[0] = source(operand(instruction, 0), Type::u32);
        step.index = static_cast<std::uint32_t>(code_->branch_tables.size());
        code_->branch_tables.push_back(std::move(table));
        return step;
    }

    Step decode_barrier(const Instruction& instruction) {
        if (instruction.has("warp")) {
            Step step = of_kind(StepKind::warp_barrier);
            step.operation.sources[0] = source(operand(instruction, 0), Type::b32);
            return step;
        }
        if (instruction.has("red") || instruction.has("arrive") || !instruction.has("sync")) throw Unknown{};
        Step step = of_kind(StepKind::barrier);
        step.operation.sources[0] = source(operand(instruction, 0), Type::u32);
        step.operation.sources[1] =
            instruction.operands.size() > 1 ? source(instruction.operands[1], Type::u32) : layout_.constant(0, 4);
        return step;
    }

    static Space space_of(const Instruction& instruction) {
        for (const std::string& modifier : instruction.modifiers) {
            if (modifier == "global") return Space::global;
            if (modifier == "shared" || modifier == "shared::cta") return Space::shared;
            if (modifier == "local") return Space::local;
            if (modifier == "const") return Space::constant;
            if (modifier == "param" || modifier == "param::entry") return Space::param;
            if (modifier.starts_with("shared::") || modifier.starts_with("param::")) throw Unknown{};
        }
        return Space::generic;
    }

    /// What all of them have: type, space and address.
    Access access_of(const Instruction& instruction, const Operand& address) {
        if (address.kind != Operand::Kind::address) throw Unknown{};
        Access access;
        access.space = space_of(instruction);
        access.type = type_of(instruction);
        access.element_bytes = static_cast<std::uint8_t>(ptx::bytes_of(access.type));
        if (access.element_bytes == 0 || access.element_bytes > 8) throw Unknown{};
        for (const char* weaker : {"volatile", "relaxed", "acquire", "release", "acq_rel", "sc", "mmio"}) {
            access.synchronises = access.synchronises || instruction.has(weaker);
        }
        access.offset = address.bits;
        if (address.index >= 0) {
            access.base = layout_.of_register(address.index);
            access.base_bytes =
                static_cast<std::uint8_t>(lane_bytes(kernel_.registers[static_cast<std::size_t>(address.index)].type));
            if (access.base_bytes < 4) throw Unknown{};
        } else if (!address.name.empty()) {
            const auto placed = placed_.find(address.name);
            if (placed != placed_.end()) {
                // Parts of a parameter or a variable of the block or thread.
                if (access.space != placed->second.space) throw Unknown{};
                access.offset += placed->second.offset;
            } else {
                access.base = layout_.variable(address.name, 0, 8);
                access.base_bytes = 8;
            }
        }
        return access;
    }

    void add_value(Access& access, std::size_t element, const Operand& value, bool loaded) {
        if (element >= Access::most_elements) throw Unknown{};
        access.values[element] = loaded ? target(value) : source(value, access.type);
        access.register_bytes[element] = static_cast<std::uint8_t>(
            value.kind == Operand::Kind::reg ? lane_bytes(declared(value)) : lane_bytes(access.type));
        if (value.kind == Operand::Kind::sink) access.register_bytes[element] = 8;
        if (access.register_bytes[element] == 0) throw Unknown{};
    }

    void add_values(Access& access, const Operand& values, bool loaded) {
        if (values.kind != Operand::Kind::vector) return add_value(access, 0, values, loaded);
        access.elements = static_cast<std::uint8_t>(values.parts.size());
        for (std::size_t i = 0; i < values.parts.size(); ++i) add_value(access, i, values.parts[i], loaded);
    }

    Step step_of(const Access& access) {
        Step step = of_kind(StepKind::access);
        step.index = static_cast<std::uint32_t>(code_->accesses.size());
        code_->accesses.push_back(access);
        return step;
    }

    Step decode_load(const Instruction& instruction) {
        Access access = access_of(instruction, operand(instruction, 1));
        access.loads = true;
        access.used_bytes = instruction.used_bytes;
        add_values(access, operand(instruction, 0), true);
        if (access.space == Space::param && access.base == no_place && access.elements == 1) {
            // The same for all threads of the launch: a move from a constant.
            Step step = of_kind(StepKind::arithmetic);
            const std::uint32_t bytes = access.register_bytes[0];
            step.operation.to = access.values[0];
            step.operation.sources[0] = layout_.parameter(access.offset, access.type, bytes);
            step.operation.apply = move_of(bytes);
            return step;
        }
        return step_of(access);
    }

    Step decode_store(const Instruction& instruction) {
        Access access = access_of(instruction, operand(instruction, 0));
        access.stores = true;
        add_values(access, operand(instruction, 1), false);
        return step_of(access);
    }

    static AtomicKind atomic_kind(const Instruction& instruction) {
        static const std::unordered_map<std::string_view, AtomicKind> kinds{
            {"add", AtomicKind::add},       {"min", AtomicKind::minimum},          {"max", AtomicKind::maximum},
            {"exch", AtomicKind::exchange}, {"cas", AtomicKind::compare_and_swap}, {"and", AtomicKind::bit_and},
            {"or", AtomicKind::bit_or},     {"xor", AtomicKind::bit_xor},          {"inc", AtomicKind::increment},
            {"dec", AtomicKind::decrement}};
        for (const std::string& modifier : instruction.modifiers) {
            if (const auto found = kinds.find(modifier); found != kinds.end()) return found->second;
        }
        throw Unknown{};
    }

    Step decode_atomic(const Instruction& instruction) {
        const bool returns = instruction.opcode == "atom";
        const std::size_t at = returns ? 1 : 0;
        Access access = access_of(instruction, operand(instruction, at));
        if (access.element_bytes < 4 || instruction.has("v2") || instruction.has("v4")) throw Unknown{};
        if (access.type == Type::f16x2 || access.type == Type::bf16x2) throw Unknown{};
        access.loads = access.stores = access.synchronises = true;
        access.atomic = atomic_kind(instruction);
        if (returns) {
            add_value(access, 0, operand(instruction, 0), true);
        } else {
            access.values[0] = layout_.scratch();
            access.register_bytes[0] = access.element_bytes;
        }
        access.operands[0] = source(operand(instruction, at + 1), access.type);
        access.operands[1] = access.atomic == AtomicKind::compare_and_swap
                                 ? source(operand(instruction, at + 2), access.type)
                                 : access.operands[0];
        return step_of(access);
    }

    /// The destination of a warp-wide operation, and its predicate where it has one.
    void set_targets(Step& step, const Operand& to) {
        step.operation.also_to = layout_.scratch();
        if (to.kind != Operand::Kind::vector) {
            step.operation.to = target(to);
            return;
        }
        if (to.parts.size() != 2) throw Unknown{};
        step.operation.to = target(to.parts[0]);
        step.operation.also_to = target(to.parts[1]);
    }

    Step decode_shuffle(const Instruction& instruction) {
        if (!instruction.has("sync") || !instruction.has("b32")) throw Unknown{};
        Step step = of_kind(StepKind::shuffle);
        const ShuffleMode mode = instruction.has("up")     ? ShuffleMode::up
                                 : instruction.has("down") ? ShuffleMode::down
                                 : instruction.has("bfly") ? ShuffleMode::butterfly
                                 : instruction.has("idx")  ? ShuffleMode::index
                                                           : throw Unknown{};
        step.mode = static_cast<std::uint8_t>(mode);
        set_targets(step, operand(instruction, 0));
        for (std::size_t i = 0; i < 4; ++i) {
            step.operation.sources[i] = source(operand(instruction, i + 1), Type::b32);
        }
        return step;
    }

    Step decode_vote(const Instruction& instruction) {
        if (!instruction.has("sync")) throw Unknown{};
        Step step = of_kind(StepKind::vote);
        const VoteMode mode = instruction.has("all")      ? VoteMode::all
                              : instruction.has("any")    ? VoteMode::any
                              : instruction.has("uni")    ? VoteMode::uniform
                              : instruction.has("ballot") ? VoteMode::ballot
                                                          : throw Unknown{};
        step.mode = static_cast<std::uint8_t>(mode);
        step.operation.to = target(operand(instruction, 0));
        const Operand& asked = operand(instruction, 1);
        step.operation.sources[0] = source(asked, Type::pred);
        step.operation.negated_sources = asked.negated ? 1 : 0;
        step.operation.sources[1] = source(operand(instruction, 2), Type::b32);
        return step;
    }

    Step decode_match(const Instruction& instruction) {
        if (!instruction.has("sync") || !(instruction.has("any") || instruction.has("all"))) throw Unknown{};
        Step step = of_kind(StepKind::match);
        const Type type = type_of(instruction);
        step.mode = static_cast<std::uint8_t>((instruction.has("all") ? 1U : 0U) | (lane_bytes(type) == 8 ? 2U : 0U));
        set_targets(step, operand(instruction, 0));
        step.operation.sources[0] = source(operand(instruction, 1), type);
        step.operation.sources[1] = source(operand(instruction, 2), Type::b32);
        return step;
    }

    Step decode_reduction(const Instruction& instruction) {
        if (!instruction.has("sync")) throw Unknown{};
        const Type type = type_of(instruction);
        if (type != Type::u32 && type != Type::s32 && type != Type::b32) throw Unknown{};
        Step step = of_kind(StepKind::reduce);
        step.mode = static_cast<std::uint8_t>(atomic_kind(instruction));
        step.index = type == Type::s32 ? 1 : 0;
        step.operation.to = target(operand(instruction, 0));
        step.operation.sources[0] = source(operand(instruction, 1), type);
        step.operation.sources[1] = source(operand(instruction, 2), Type::b32);
        return step;
    }

    Step decode_elect(const Instruction& instruction) {
        Step step = of_kind(StepKind::elect);
        set_targets(step, operand(instruction, 0));
        step.operation.sources[0] = source(operand(instruction, 1), Type::b32);
        return step;
    }

    std::uint64_t window_of(Space space) {
        switch (space) {
            case Space::shared:
                return Windows::instance().shared;
            case Space::local:
                return Windows::instance().local;
            case Space::global:
            case Space::constant:
                return 0;
            default:
                throw Unknown{};
        }
    }

    /// Between an address of a space and a generic one.
    Step decode_conversion_of_address(const Instruction& instruction) {
        if (type_of(instruction) != Type::u64) throw Unknown{};
        const std::uint64_t window = window_of(space_of(instruction));
        Step step = of_kind(StepKind::arithmetic);
        step.operation.to = target(operand(instruction, 0));
        const Operand& from = operand(instruction, 1);
        step.operation.sources[0] = source(from, Type::u64);
        if (window == 0) {
            step.operation.apply = move_of(8);
        } else {
            step.operation.sources[1] = layout_.constant(instruction.has("to") ? ~window + 1 : window, 8);
            step.operation.apply = add_64;
        }
        return step;
    }

    Step decode_question_of_space(const Instruction& instruction) {
        const Space space = space_of(instruction);
        const Windows& windows = Windows::instance();
        Step step = of_kind(StepKind::arithmetic);
        step.operation.to = target(operand(instruction, 0));
        step.operation.sources[0] = source(operand(instruction, 1), Type::u64);
        if (space == Space::shared || space == Space::local) {
            step.operation.sources[1] = layout_.constant(window_of(space), 8);
            step.operation.apply = in_window;
        } else if (space == Space::global) {
            step.operation.sources[1] = layout_.constant(windows.shared, 8);
            step.operation.sources[2] = layout_.constant(windows.local, 8);
            step.operation.apply = in_no_window;
        } else {
            throw Unknown{};
        }
        return step;
    }

    static bool is_regrouping(const Instruction& instruction) {
        return std::any_of(instruction.operands.begin(), instruction.operands.end(),
                           [](const Operand& one) { return one.kind == Operand::Kind::vector; });
    }

    Step decode_regrouping(const Instruction& instruction) {
        const std::uint32_t whole = ptx::bytes_of(type_of(instruction));
        const Operand& to = operand(instruction, 0);
        const Operand& from = operand(instruction, 1);
        Step step = of_kind(StepKind::arithmetic);
        Operation& operation = step.operation;
        if (from.kind == Operand::Kind::vector) {
            const Type part = part_type(whole, from.parts.size());
            operation.to = target(to);
            for (std::size_t i = 0; i < from.parts.size(); ++i) operation.sources[i] = source(from.parts[i], part);
            operation.apply = regroup<true>(whole, from.parts.size());
        } else {
            operation.sources[0] = source(from, type_of(instruction));
            std::array<Place*, 4> places{&operation.to, &operation.also_to, &operation.sources[1],
                                         &operation.sources[2]};
            operation.apply = regroup<false>(whole, to.parts.size());
            for (std::size_t i = 0; i < to.parts.size(); ++i) *places[i] = target(to.parts[i]);
        }
        return step;
    }

    static Type part_type(std::uint32_t whole_bytes, std::size_t parts) {
        if (parts == 0 || parts > 4) throw Unknown{};
        return whole_bytes / parts == 4 ? Type::b32 : Type::b16;
    }

    const ptx::Kernel& kernel_;
    std::unique_ptr<Program::Code> code_;
    Layout layout_;
    std::unordered_map<std::string, Placed> placed_;
};

}  // namespace

std::unique_ptr<Program::Code> decode(const ptx::Kernel& kernel, const std::vector<ptx::Variable>& module_variables) {
    return Decoder(kernel, module_variables).decode();
}

}  // namespace simcuda::interpreter
