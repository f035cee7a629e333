#include "simcuda/kernels/random_writer.hpp"

#include <array>
#include <cstdio>

namespace gpushard::test {
namespace {

using Kind = RandomStatement::Kind;
using Mode = RandomStatement::Mode;

std::string name_of(RandomRegister place) {
    constexpr const char* letters[] = {"%r", "%rd", "%f", "%p"};
    return letters[static_cast<int>(place.kind)] + std::to_string(place.index);
}

std::string text_of(const RandomSource& source) {
    if (!source.is_immediate) return name_of(source.place);
    if (source.place.kind == RegisterKind::wide) return std::to_string(static_cast<std::int64_t>(source.value));
    if (source.place.kind == RegisterKind::word) return std::to_string(static_cast<std::int32_t>(source.value));
    char text[16];
    std::snprintf(text, sizeof text, "0f%08X", static_cast<unsigned>(source.value));
    return text;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
    return text;
}

class Writer {
public:
    std::string module(const RandomProgram& program) {
        line("ld.param.u64 %input, [random_kernel_param_0];");
        line("ld.param.u64 %output, [random_kernel_param_1];");
        line("cvta.to.global.u64 %input, %input;");
        line("cvta.to.global.u64 %output, %output;");
        line("mov.u32 %me, %tid.x;");
        line("mov.u32 %size, %ntid.x;");
        line("mov.u32 %lane, %laneid;");
        line("mov.u32 %t, %ctaid.x;");
        line("mad.lo.s32 %thread, %t, %size, %me;");
        begin_registers();
        line("mov.u32 %at, own;");
        line("shl.b32 %t, %me, 2;");
        line("add.s32 %own, %at, %t;");
        line("st.shared.u32 [%own], %r0;");
        line("mov.u64 %local, depot;");
        for (int word = 0; word < local_words; ++word) {
            line("st.local.u32 [%local+" + std::to_string(4 * word) + "], " +
                 name_of({RegisterKind::word, word % registers_of_kind}) + ";");
        }
        line("setp.eq.s32 %q, %me, %me;");
        const std::string lanes = new_mask();
        line("vote.sync.ballot.b32 " + lanes + ", %q, -1;");
        write(program.statements, lanes);
        store_registers();
        line("ret;");
        return head() + body_ + "}\n";
    }

private:
    void line(const std::string& text) { body_ += text + '\n'; }
    std::string new_label() { return "$L__" + std::to_string(labels_++); }
    std::string new_mask() { return "%m" + std::to_string(masks_++); }
    std::string new_counter() { return "%c" + std::to_string(counters_++); }

    std::string head() const {
        const auto count = [](int number) { return '<' + std::to_string(number) + ">;\n"; };
        return ".version 7.0\n.target sm_75\n.address_size 64\n\n"
               ".visible .entry random_kernel(\n.param .u64 random_kernel_param_0,\n.param .u64 "
               "random_kernel_param_1\n)\n{\n"
               ".reg .b32 %r" +
               count(registers_of_kind) + ".reg .b64 %rd" + count(registers_of_kind) + ".reg .f32 %f" +
               count(registers_of_kind) + ".reg .pred %p" + count(registers_of_kind) + ".reg .b32 %m" + count(masks_) +
               ".reg .b32 %c" + count(counters_ + 1) +
               ".reg .b32 %t, %u, %at, %own, %me, %size, %lane, %thread;\n.reg .b64 %input, %output, %local, %d;\n"
               ".reg .f32 %n;\n.reg .b16 %h;\n.reg .pred %q;\n"
               ".shared .align 4 .b8 own[4096];\n.shared .align 4 .b8 sums[" +
               std::to_string(4 * sums_of_block) + "];\n.local .align 4 .b8 depot[" + std::to_string(4 * local_words) +
               "];\n\n";
    }

    /// %d: of the word of the input that %t names.
    void address_of_input() {
        line("and.b32 %t, %t, " + std::to_string(input_words - 1) + ";");
        line("mul.wide.u32 %d, %t, 4;");
        line("add.s64 %d, %input, %d;");
    }

    void begin_registers() {
        for (int i = 0; i < registers_of_kind; ++i) {
            line("mad.lo.s32 %t, %thread, 7, " + std::to_string(i * 31) + ";");
            address_of_input();
            line("ld.global.u32 " + name_of({RegisterKind::word, i}) + ", [%d];");
            line("ld.global.f32 " + name_of({RegisterKind::number, i}) + ", [%d];");
            line("ld.global.s32 " + name_of({RegisterKind::wide, i}) + ", [%d];");
            line("setp.lt.s32 " + name_of({RegisterKind::truth, i}) + ", " + name_of({RegisterKind::word, i}) + ", 0;");
        }
    }

    void store_registers() {
        line("mul.wide.u32 %d, %thread, " + std::to_string(4 * output_words) + ";");
        line("add.s64 %output, %output, %d;");
        const auto at = [](int word) { return "[%output+" + std::to_string(4 * word) + ']'; };
        for (int i = 0; i < registers_of_kind; ++i) {
            const std::string number = name_of({RegisterKind::number, i});
            line("st.global.u32 " + at(5 * i) + ", " + name_of({RegisterKind::word, i}) + ';');
            line("cvt.u32.u64 %t, " + name_of({RegisterKind::wide, i}) + ';');
            line("st.global.u32 " + at(5 * i + 1) + ", %t;");
            line("shr.u64 %d, " + name_of({RegisterKind::wide, i}) + ", 32;");
            line("st.global.u32 " + at(5 * i + 2) + ", %d;");
            line("setp.neu.f32 %q, " + number + ", " + number + ';');
            line("selp.f32 %n, 0f00000000, " + number + ", %q;");
            line("st.global.f32 " + at(5 * i + 3) + ", %n;");
            line("selp.u32 %t, 1, 0, " + name_of({RegisterKind::truth, i}) + ';');
            line("st.global.u32 " + at(5 * i + 4) + ", %t;");
        }
    }

    void write(const std::vector<RandomStatement>& statements, const std::string& lanes) {
        for (const RandomStatement& statement : statements) write(statement, lanes);
    }

    std::string guard_of(const RandomStatement& statement) const {
        if (!statement.is_guarded) return "";
        return (statement.negated ? "@!" : "@") + name_of(statement.condition) + ' ';
    }

    static std::string condition_of(const RandomStatement& statement) {
        return (statement.negated ? "!" : "") + name_of(statement.condition);
    }

    void write(const RandomStatement& statement, const std::string& lanes) {
        const std::string guard = guard_of(statement);
        const std::string to = name_of(statement.to);
        const auto source = [&](std::size_t place) { return text_of(statement.sources[place]); };
        switch (statement.kind) {
            case Kind::compute:
                return compute(statement, guard);
            case Kind::load_input:
                line("mov.u32 %t, " + source(0) + ';');
                address_of_input();
                return line(guard + "ld.global.u32 " + to + ", [%d];");
            case Kind::load_local:
                address_of_local(source(0));
                return line(guard + "ld.local.u32 " + to + ", [%d];");
            case Kind::store_local:
                address_of_local(source(0));
                return line(guard + "st.local.u32 [%d], " + source(1) + ';');
            case Kind::load_own:
                return line(guard + "ld.shared.u32 " + to + ", [%own];");
            case Kind::store_own:
                return line(guard + "st.shared.u32 [%own], " + source(0) + ';');
            case Kind::load_others:
                line("bar.sync 0;");
                line("rem.u32 %t, " + source(0) + ", %size;");
                line("mov.u32 %at, own;");
                line("mad.lo.s32 %t, %t, 4, %at;");
                line("ld.shared.u32 " + to + ", [%t];");
                return line("bar.sync 0;");
            case Kind::add_up:
                return add_up(source(0), source(1), to);
            case Kind::shuffle:
                return shuffle(statement, to, lanes);
            case Kind::ballot:
                return line("vote.sync.ballot.b32 " + to + ", " + condition_of(statement) + ", " + lanes + ';');
            case Kind::any:
                return line("vote.sync.any.pred " + name_of(statement.condition) + ", " + condition_of(statement) +
                            ", " + lanes + ';');
            case Kind::all:
                return line("vote.sync.all.pred " + name_of(statement.condition) + ", " + condition_of(statement) +
                            ", " + lanes + ';');
            case Kind::branch:
                return branch(statement, lanes);
            case Kind::repeat:
            case Kind::repeat_lanes:
                return repeat(statement, lanes);
        }
    }

    void compute(const RandomStatement& statement, const std::string& guard) {
        const RandomOperation& operation = *statement.operation;
        std::vector<std::string> sources;
        for (const RandomSource& source : statement.sources) sources.push_back(text_of(source));
        std::string before = operation.before;
        for (std::size_t i = 0; i < sources.size(); ++i) before = replaced(before, '%' + std::to_string(i), sources[i]);
        if (!before.empty()) {
            line(before);
            // What it prepared is the last source.
            constexpr const char* prepared[] = {"%t", "%h", "%n"};
            for (const char* const place : prepared) {
                if (before.find(place) != std::string::npos) sources.back() = place;
            }
        }
        std::string text = guard + operation.spelled + ' ' + name_of(statement.to);
        for (const std::string& source : sources) text += ", " + source;
        line(text + ';');
    }

    /// %d: of the word of the local array that a register names.
    void address_of_local(const std::string& place) {
        line("and.b32 %t, " + place + ", " + std::to_string(local_words - 1) + ';');
        line("mul.wide.u32 %d, %t, 4;");
        line("add.s64 %d, %local, %d;");
    }

    void add_up(const std::string& value, const std::string& place, const std::string& to) {
        line("bar.sync 0;");
        line("setp.eq.s32 %q, %me, 0;");
        for (int i = 0; i < sums_of_block; ++i) line("@%q st.shared.u32 [sums+" + std::to_string(4 * i) + "], 0;");
        line("bar.sync 0;");
        line("and.b32 %t, " + place + ", " + std::to_string(sums_of_block - 1) + ';');
        line("mov.u32 %at, sums;");
        line("mad.lo.s32 %t, %t, 4, %at;");
        line("red.shared.add.u32 [%t], " + value + ';');
        line("bar.sync 0;");
        line("ld.shared.u32 " + to + ", [%t];");
        line("bar.sync 0;");
    }

    void shuffle(const RandomStatement& statement, const std::string& to, const std::string& lanes) {
        constexpr const char* modes[] = {"up", "down", "bfly", "idx", "idx"};
        std::string from = text_of(statement.sources[1]);
        if (statement.mode == Mode::present) {
            line("and.b32 %t, " + from + ", 31;");
            line("shr.u32 %u, " + lanes + ", %t;");
            line("and.b32 %u, %u, 1;");
            line("setp.eq.s32 %q, %u, 1;");
            line("selp.b32 %t, %t, %lane, %q;");
            from = "%t";
        }
        const int limits = (32 - statement.width) << 8 | (statement.mode == Mode::up ? 0 : 31);
        line("shfl.sync." + std::string(modes[static_cast<int>(statement.mode)]) + ".b32 %u|%q, " +
             text_of(statement.sources[0]) + ", " + from + ", " + std::to_string(limits) + ", " + lanes + ';');
        line("selp.u32 %t, 1, 0, %q;");
        line("xor.b32 " + to + ", %u, %t;");
    }

    void branch(const RandomStatement& statement, const std::string& lanes) {
        std::string first_lanes;
        std::string second_lanes;
        if (!lanes.empty()) {
            first_lanes = new_mask();
            second_lanes = new_mask();
            line("vote.sync.ballot.b32 " + first_lanes + ", " + condition_of(statement) + ", " + lanes + ';');
            line("not.b32 %t, " + first_lanes + ';');
            line("and.b32 " + second_lanes + ", %t, " + lanes + ';');
        }
        const std::string second = new_label();
        const std::string end = new_label();
        line((statement.negated ? "@" : "@!") + name_of(statement.condition) + " bra " + second + ';');
        write(statement.first, first_lanes);
        if (!statement.second.empty()) line("bra.uni " + end + ';');
        line(second + ':');
        write(statement.second, second_lanes);
        line(end + ':');
    }

    void repeat(const RandomStatement& statement, const std::string& lanes) {
        const bool together = statement.kind == Kind::repeat;
        const std::string counter = new_counter();
        const std::string begin = new_label();
        const std::string end = new_label();
        if (together) {
            line("mov.u32 " + counter + ", " + std::to_string(statement.count) + ';');
        } else {
            line("and.b32 " + counter + ", " + text_of(statement.sources[0]) + ", " + std::to_string(most_repeats) +
                 ';');
        }
        line(begin + ':');
        line("setp.eq.s32 %q, " + counter + ", 0;");
        line("@%q bra " + end + ';');
        line("add.s32 " + counter + ", " + counter + ", -1;");
        write(statement.first, together ? lanes : "");
        if (!together) line((statement.negated ? "@!" : "@") + name_of(statement.condition) + " bra " + end + ';');
        line("bra " + begin + ';');
        line(end + ':');
    }

    std::string body_;
    int labels_ = 0;
    int masks_ = 0;
    int counters_ = 0;
};

}  // namespace

std::string ptx_of(const RandomProgram& program) { return Writer().module(program); }

}  // namespace gpushard::test
