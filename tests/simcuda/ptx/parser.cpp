#include "ptx/parser.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "ptx/constant.hpp"
#include "ptx/declaration.hpp"
#include "ptx/lexer.hpp"
#include "ptx/scopes.hpp"

namespace simcuda::ptx {
namespace {

constexpr std::uint64_t most_registers = 1'000'000;
constexpr std::uint64_t most_threads = 1024;

/// Without .x and the like.
constexpr std::array<std::string_view, 32> special_registers{{
    "%tid",
    "%ntid",
    "%laneid",
    "%warpid",
    "%nwarpid",
    "%ctaid",
    "%nctaid",
    "%smid",
    "%nsmid",
    "%gridid",
    "%is_explicit_cluster",
    "%clusterid",
    "%nclusterid",
    "%cluster_ctaid",
    "%cluster_nctaid",
    "%cluster_ctarank",
    "%cluster_nctarank",
    "%lanemask_eq",
    "%lanemask_le",
    "%lanemask_lt",
    "%lanemask_ge",
    "%lanemask_gt",
    "%clock",
    "%clock_hi",
    "%clock64",
    "%globaltimer",
    "%globaltimer_lo",
    "%globaltimer_hi",
    "%total_smem_size",
    "%aggr_smem_size",
    "%dynamic_smem_size",
    "%current_graph_exec",
}};
/// What their numbers or further words follow.
constexpr std::array<std::string_view, 3> special_prefixes{{"%pm", "%envreg", "%reserved_smem_offset_"}};

/// What may stand between the parameters and the body, besides .maxntid and .reqntid.
constexpr std::array<std::string_view, 8> performance_directives{{
    "minnctapersm",
    "maxnctapersm",
    "maxnreg",
    "noreturn",
    "reqnctapercluster",
    "explicitcluster",
    "maxclusterrank",
    "blocksareclusters",
}};

bool is_special(std::string_view name) {
    return std::ranges::find(special_registers, name) != special_registers.end() ||
           std::ranges::any_of(special_prefixes, [name](std::string_view prefix) { return name.starts_with(prefix); });
}

/// One blank for every run of blanks and comments.
std::string in_one_line(std::string_view text) {
    std::string line;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text.substr(at, 2) == "//") {
            at = std::min(text.find('\n', at), text.size() - 1);
        } else if (text.substr(at, 2) == "/*") {
            at = std::min(text.find("*/", at), text.size() - 2) + 1;
        } else if (text[at] != ' ' && text[at] != '\t' && text[at] != '\n' && text[at] != '\r') {
            line += text[at];
            continue;
        }
        if (!line.empty() && line.back() != ' ') line += ' ';
    }
    return line;
}

class KernelParser {
public:
    KernelParser(std::string_view text, std::uint32_t line) : lexer_(text, line), scopes_(kernel_.registers) {}

    Kernel parse() {
        if (!lexer_.token().is_dotted("entry")) lexer_.unexpected(".entry");
        lexer_.advance();
        kernel_.name = lexer_.take(Token::Kind::word, "the name of a kernel");
        if (lexer_.accept('(')) parse_parameters();
        parse_directives();
        lexer_.expect('{');
        while (parse_statement()) {
        }
        if (lexer_.token().kind != Token::Kind::end) lexer_.unexpected("nothing behind the kernel");
        resolve_labels();
        return std::move(kernel_);
    }

private:
    /// A name that can only be resolved when all labels are known.
    struct Pending {
        std::size_t instruction = 0;
        std::size_t operand = 0;
        std::string_view name;
        Scopes::Id scope = 0;
        bool is_table = false;
    };

    void parse_parameters() {
        if (lexer_.accept(')')) return;
        do {
            Variable parameter = parse_parameter(lexer_);
            if (names(kernel_.parameters, parameter.name)) lexer_.unexpected("no second parameter of that name");
            const std::uint64_t mask = parameter.alignment - std::uint64_t{1};
            const std::uint64_t offset = (kernel_.parameter_bytes + mask) & ~mask;
            kernel_.parameter_offsets.push_back(offset);
            kernel_.parameter_bytes = offset + parameter.bytes;
            kernel_.parameters.push_back(std::move(parameter));
        } while (lexer_.accept(','));
        lexer_.expect(')');
    }

    static bool names(const std::vector<Variable>& variables, std::string_view name) {
        return std::ranges::find(variables, name, &Variable::name) != variables.end();
    }

    /// Between the parameters and the body: `.maxntid 256, 1, 1 .minnctapersm 2`.
    void parse_directives() {
        while (lexer_.token().kind == Token::Kind::dotted) {
            const std::string_view name = lexer_.token().text;
            if (name == "pragma") {
                skip_statement();
                continue;
            }
            const bool threads = name == "maxntid" || name == "reqntid";
            if (!threads && std::ranges::find(performance_directives, name) == performance_directives.end()) {
                lexer_.unexpected("a directive that may stand in front of a body");
            }
            lexer_.advance();
            const bool numbers = lexer_.token().kind == Token::Kind::number;
            if (threads && !numbers) lexer_.unexpected("a number of threads");
            const std::uint64_t product = numbers ? parse_product() : 0;
            if (!threads) continue;
            if (product == 0 || product > most_threads) lexer_.unexpected("1 to 1024 threads");
            kernel_.max_threads = static_cast<std::uint32_t>(product);
        }
    }

    /// Of numbers between commas; at most one more than a block can have.
    std::uint64_t parse_product() {
        std::uint64_t product = 1;
        do {
            product *= std::min(parse_count(lexer_), most_threads + 1);
            product = std::min(product, most_threads + 1);
        } while (lexer_.accept(','));
        return product;
    }

    void skip_to_semicolon() {
        while (!lexer_.token().is(';')) {
            if (lexer_.token().kind == Token::Kind::end || lexer_.token().is('}')) lexer_.unexpected("\";\"");
            lexer_.advance();
        }
    }

    void skip_statement() {
        skip_to_semicolon();
        lexer_.advance();
    }

    /// False behind the brace that closes the kernel.
    bool parse_statement() {
        const Token token = lexer_.token();
        if (lexer_.accept('{')) {
            scopes_.enter();
        } else if (lexer_.accept('}')) {
            return scopes_.leave();
        } else if (token.kind == Token::Kind::dotted) {
            parse_directive(token.text);
        } else if (token.is('@')) {
            parse_instruction(token, lexer_.begin());
        } else if (token.kind == Token::Kind::word) {
            const std::size_t begin = lexer_.begin();
            lexer_.advance();
            if (lexer_.accept(':')) {
                parse_label(token);
            } else {
                parse_instruction(token, begin);
            }
        } else {
            lexer_.unexpected("an instruction, a declaration, a label or \"}\"");
        }
        return true;
    }

    void parse_directive(std::string_view name) {
        if (name == "reg") {
            parse_registers();
        } else if (begins_declaration(lexer_.token())) {
            for (Variable& variable : parse_variables(lexer_)) add_variable(std::move(variable));
        } else if (name == "loc" || name == "file") {
            lexer_.skip_line();
        } else if (name == "pragma") {
            parse_pragma();
        } else {
            lexer_.unexpected("a directive that may stand in a kernel");
        }
    }

    /// One that is about the next instruction; others change nothing.
    void parse_pragma() {
        lexer_.advance();
        constexpr std::string_view used_bytes = "\"used_bytes_mask ";
        const std::string_view text = lexer_.token().text;
        if (lexer_.token().kind == Token::Kind::string && text.starts_with(used_bytes)) {
            const std::string_view number = text.substr(used_bytes.size());
            const char* const end = number.data() + number.size() - 1;
            if (std::from_chars(number.data(), end, used_bytes_).ptr != end) lexer_.unexpected("a mask of bytes");
        }
        skip_statement();
    }

    void parse_registers() {
        lexer_.advance();
        const Type type = lexer_.token().kind == Token::Kind::dotted ? parse_type(lexer_.token().text) : Type::none;
        if (type == Type::none) lexer_.unexpected("the type of registers");
        lexer_.advance();
        do {
            const std::string_view name = lexer_.take(Token::Kind::word, "the name of a register");
            std::int64_t count = -1;
            if (lexer_.accept('<')) {
                const std::uint64_t written = parse_count(lexer_);
                if (written > most_registers) lexer_.unexpected("fewer registers");
                count = static_cast<std::int64_t>(written);
                lexer_.expect('>');
            }
            if (!scopes_.declare_registers(name, count, type)) lexer_.unexpected("no second register of that name");
        } while (lexer_.accept(','));
        lexer_.expect(';');
    }

    void add_variable(Variable variable) {
        const auto known = std::ranges::find(kernel_.variables, variable.name, &Variable::name);
        if (known == kernel_.variables.end()) {
            kernel_.variables.push_back(std::move(variable));
            return;
        }
        // Every call has its own braces and declares its param0 in them.
        if (variable.space != Space::param || known->space != Space::param) {
            lexer_.unexpected("no second variable \"" + variable.name + "\"");
        }
        known->bytes = std::max(known->bytes, variable.bytes);
        known->alignment = std::max(known->alignment, variable.alignment);
    }

    /// Behind its colon.
    void parse_label(const Token& label) {
        bool first = true;
        if (lexer_.token().is_dotted("branchtargets")) {
            lexer_.advance();
            Scopes::Table table;
            do {
                table.push_back(lexer_.take(Token::Kind::word, "a label"));
            } while (lexer_.accept(','));
            lexer_.expect(';');
            first = scopes_.declare_table(label.text, std::move(table));
        } else if (lexer_.token().is_dotted("callprototype") || lexer_.token().is_dotted("calltargets")) {
            skip_statement();
        } else {
            first = scopes_.declare_label(label.text, static_cast<std::int32_t>(kernel_.instructions.size()));
        }
        if (!first) bad_ptx(label.line, "found \"" + std::string(label.text) + "\" again, expected another label");
    }

    /// At the `@` of a guard, or behind the first word of the opcode.
    void parse_instruction(const Token& first, std::size_t begin) {
        Instruction instruction;
        instruction.line = first.line;
        instruction.used_bytes = std::exchange(used_bytes_, ~std::uint32_t{0});
        if (first.is('@')) {
            lexer_.advance();
            instruction.guard_negated = lexer_.accept('!');
            instruction.guard = parse_predicate();
            instruction.opcode = lexer_.take(Token::Kind::word, "an instruction");
        } else {
            instruction.opcode = first.text;
        }
        while (lexer_.token().kind == Token::Kind::dotted) {
            instruction.modifiers.emplace_back(lexer_.token().text);
            lexer_.advance();
        }
        if (instruction.opcode == "call") {
            skip_to_semicolon();
        } else if (!lexer_.token().is(';')) {
            const bool branches = instruction.opcode == "bra" || instruction.opcode == "brx";
            do {
                instruction.operands.push_back(branches ? parse_target(instruction) : parse_operand());
            } while (lexer_.accept(','));
        }
        if (!lexer_.token().is(';')) lexer_.unexpected("\",\" or \";\"");
        instruction.text = in_one_line(lexer_.text().substr(begin, lexer_.end() - begin));
        lexer_.advance();
        kernel_.instructions.push_back(std::move(instruction));
    }

    std::int32_t parse_predicate() {
        const Token& token = lexer_.token();
        const std::int32_t index = token.kind == Token::Kind::word ? scopes_.find_register(token.text) : -1;
        if (index < 0 || kernel_.registers[static_cast<std::size_t>(index)].type != Type::pred) {
            lexer_.unexpected("a predicate that is declared");
        }
        lexer_.advance();
        return index;
    }

    /// Of `bra` and `brx.idx`.
    Operand parse_target(const Instruction& instruction) {
        if (lexer_.token().kind != Token::Kind::word) lexer_.unexpected("a label");
        const bool is_table = instruction.opcode == "brx";
        if (is_table && instruction.operands.empty()) return parse_operand();
        pending_.push_back({.instruction = kernel_.instructions.size(),
                            .operand = instruction.operands.size(),
                            .name = lexer_.token().text,
                            .scope = scopes_.current(),
                            .is_table = is_table});
        lexer_.advance();
        Operand target;
        target.kind = is_table ? Operand::Kind::vector : Operand::Kind::label;
        return target;
    }

    Operand parse_operand() {
        if (lexer_.token().is('{')) return parse_vector();
        if (lexer_.token().is('[')) return parse_address();
        Operand operand = parse_scalar();
        if (!lexer_.token().is('|')) return operand;
        Operand pair;
        pair.kind = Operand::Kind::vector;
        pair.parts.push_back(std::move(operand));
        while (lexer_.accept('|')) pair.parts.push_back(parse_scalar());
        return pair;
    }

    Operand parse_vector() {
        Operand vector;
        vector.kind = Operand::Kind::vector;
        lexer_.expect('{');
        do {
            vector.parts.push_back(parse_scalar());
        } while (lexer_.accept(','));
        lexer_.expect('}');
        return vector;
    }

    /// A register, a special register, a constant or `_`.
    Operand parse_scalar() {
        Operand operand;
        operand.negated = lexer_.accept('!');
        if (operand.negated) {
            operand.kind = Operand::Kind::reg;
            operand.index = parse_predicate();
            return operand;
        }
        if (lexer_.token().kind == Token::Kind::word) {
            const std::string_view word = lexer_.token().text;
            operand.index = scopes_.find_register(word);
            if (operand.index >= 0) {
                operand.kind = Operand::Kind::reg;
                lexer_.advance();
                if (lexer_.token().kind == Token::Kind::dotted) lexer_.unexpected("no part of a register");
                return operand;
            }
            if (word == "_" || is_special(word)) {
                operand.kind = word == "_" ? Operand::Kind::sink : Operand::Kind::special;
                lexer_.advance();
                if (operand.kind == Operand::Kind::sink) return operand;
                operand.name = word;
                if (lexer_.token().kind == Token::Kind::dotted) {
                    operand.name += '.';
                    operand.name += lexer_.token().text;
                    lexer_.advance();
                }
                return operand;
            }
        }
        set_constant(operand);
        return operand;
    }

    void set_constant(Operand& operand) {
        Constant constant = parse_constant(lexer_);
        if (constant.mask != 0) lexer_.unexpected("no mask of an address here");
        operand.bits = constant.bits;
        operand.name = std::move(constant.name);
        switch (constant.kind) {
            case Constant::Kind::integer:
                operand.kind = operand.name.empty() ? Operand::Kind::integer : Operand::Kind::variable;
                break;
            case Constant::Kind::f32:
                operand.kind = Operand::Kind::f32;
                break;
            case Constant::Kind::f64:
                operand.kind = Operand::Kind::f64;
                break;
        }
    }

    Operand parse_address() {
        Operand address;
        lexer_.expect('[');
        if (lexer_.token().kind == Token::Kind::word) address.index = scopes_.find_register(lexer_.token().text);
        if (address.index >= 0) {
            lexer_.advance();
            if (lexer_.token().is('+') || lexer_.token().is('-')) {
                const bool minus = lexer_.token().is('-');
                lexer_.advance();
                set_constant(address);
                if (!address.name.empty()) lexer_.unexpected("no second address");
                if (minus) address.bits = -address.bits;
            }
        } else {
            set_constant(address);
        }
        if (address.kind == Operand::Kind::f32 || address.kind == Operand::Kind::f64) lexer_.unexpected("an integer");
        address.kind = Operand::Kind::address;
        lexer_.expect(']');
        return address;
    }

    void resolve_labels() {
        for (const Pending& pending : pending_) {
            const Instruction& instruction = kernel_.instructions[pending.instruction];
            Operand& operand = kernel_.instructions[pending.instruction].operands[pending.operand];
            if (!pending.is_table) {
                operand = label(pending.name, pending.scope, instruction.line);
                continue;
            }
            const Scopes::Table* const table = scopes_.find_table(pending.name, pending.scope);
            if (table == nullptr) {
                bad_ptx(instruction.line,
                        "found \"" + std::string(pending.name) + "\", expected a list of .branchtargets");
            }
            for (const std::string_view name : *table) {
                operand.parts.push_back(label(name, pending.scope, instruction.line));
            }
        }
    }

    Operand label(std::string_view name, Scopes::Id scope, std::uint32_t line) const {
        const std::int32_t* const instruction = scopes_.find_label(name, scope);
        if (instruction == nullptr) {
            bad_ptx(line, "found \"" + std::string(name) + "\", expected a label of this kernel");
        }
        Operand target;
        target.kind = Operand::Kind::label;
        target.index = *instruction;
        target.name = name;
        return target;
    }

    Lexer lexer_;
    Kernel kernel_;
    std::uint32_t used_bytes_ = ~std::uint32_t{0};  ///< of the next instruction
    Scopes scopes_;
    std::vector<Pending> pending_;
};

}  // namespace

Kernel parse_kernel(std::string_view text, std::uint32_t line) { return KernelParser(text, line).parse(); }

}  // namespace simcuda::ptx
