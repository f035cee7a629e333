#include "ptx/module.hpp"

#include <algorithm>
#include <utility>

#include "ptx/declaration.hpp"
#include "ptx/lexer.hpp"
#include "ptx/parser.hpp"

namespace simcuda::ptx {
namespace {

/// What pads the text in a binary is no part of it.
std::string_view without_padding(std::string_view text) { return text.substr(0, text.find('\0')); }

void skip_statement(Lexer& lexer) {
    while (!lexer.accept(';')) {
        if (lexer.token().kind == Token::Kind::end) lexer.unexpected("\";\"");
        lexer.advance();
    }
}

/// At the `.entry` or `.func` of a definition: to its closing brace, and true; behind a mere declaration, and false.
bool skip_to_end_of_body(Lexer& lexer) {
    while (!lexer.token().is('{')) {
        if (lexer.accept(';')) return false;
        if (lexer.token().kind == Token::Kind::end) lexer.unexpected("\"{\" or \";\"");
        if (lexer.token().is_dotted("pragma")) {
            skip_statement(lexer);
        } else {
            lexer.advance();
        }
    }
    lexer.skip_to_closing_brace();
    return true;
}

/// `.target sm_90a, debug`
void skip_target(Lexer& lexer) {
    lexer.advance();
    do {
        lexer.take(Token::Kind::word, "the name of an architecture");
    } while (lexer.accept(','));
}

void skip_section(Lexer& lexer) {
    while (!lexer.token().is('{')) {
        if (lexer.token().kind == Token::Kind::end) lexer.unexpected("\"{\"");
        lexer.advance();
    }
    lexer.skip_to_closing_brace();
    lexer.expect('}');
}

bool is_linkage(std::string_view word) {
    return word == "extern" || word == "visible" || word == "weak" || word == "common";
}

/// At a directive that says nothing of kernels and variables: behind it.
void skip_directive(Lexer& lexer) {
    const std::string_view word = lexer.token().text;
    if (word == "version") {
        lexer.advance();
        lexer.take(Token::Kind::number, "a version");
    } else if (word == "target") {
        skip_target(lexer);
    } else if (word == "address_size") {
        lexer.advance();
        if (lexer.token().text != "64") lexer.unexpected("64");
        lexer.advance();
    } else if (word == "file" || word == "loc") {
        lexer.skip_line();
    } else if (word == "section") {
        skip_section(lexer);
    } else if (word == "pragma" || word == "alias") {
        skip_statement(lexer);
    } else if (word == "func") {
        if (skip_to_end_of_body(lexer)) lexer.expect('}');
    } else {
        lexer.unexpected("a directive that may stand outside kernels");
    }
}

/// The variables of a module while it is read.
class Variables {
public:
    explicit Variables(std::vector<Variable>& variables) : variables_(variables) {}

    /// False where the name is taken. A variable that is declared `.extern` may be defined further on.
    bool add(Variable variable, bool is_extern) {
        const auto [known, first] = known_.try_emplace(variable.name, Known{variables_.size(), is_extern});
        if (first) {
            variables_.push_back(std::move(variable));
            return true;
        }
        if (is_extern) return true;
        if (!known->second.is_extern) return false;
        known->second.is_extern = false;
        variables_[known->second.index] = std::move(variable);
        return true;
    }

private:
    struct Known {
        std::size_t index = 0;
        bool is_extern = false;
    };

    std::vector<Variable>& variables_;
    std::unordered_map<std::string, Known> known_;
};

}  // namespace

Module::Module(std::string_view text) {
    Lexer lexer(without_padding(text));
    Variables variables(variables_);
    bool is_extern = false;
    while (lexer.token().kind != Token::Kind::end) {
        if (lexer.token().kind != Token::Kind::dotted) lexer.unexpected("a directive");
        if (is_linkage(lexer.token().text)) {
            is_extern = lexer.token().text == "extern";
            lexer.advance();
            if (lexer.token().kind != Token::Kind::dotted) lexer.unexpected("what this is said of");
            continue;
        }
        const std::size_t begin = lexer.begin();
        const std::uint32_t line = lexer.token().line;
        if (lexer.token().is_dotted("entry")) {
            lexer.advance();
            const std::string name(lexer.take(Token::Kind::word, "the name of a kernel"));
            if (skip_to_end_of_body(lexer)) {
                const auto [entry, first] = entries_.try_emplace(name);
                if (!first) bad_ptx(line, "found \"" + name + "\" again, expected another kernel");
                entry->second.text = lexer.text().substr(begin, lexer.end() - begin);
                entry->second.line = line;
                lexer.advance();
            }
        } else if (begins_declaration(lexer.token())) {
            for (Variable& variable : parse_variables(lexer)) {
                const std::string name = variable.name;
                if (variables.add(std::move(variable), is_extern)) continue;
                bad_ptx(line, "found \"" + name + "\" again, expected another variable");
            }
        } else {
            skip_directive(lexer);
        }
        is_extern = false;
    }
}

std::vector<std::string> Module::kernel_names() const {
    std::vector<std::string> names;
    names.reserve(entries_.size());
    for (const auto& [name, entry] : entries_) names.push_back(name);
    std::ranges::sort(names);
    return names;
}

const Kernel* Module::kernel(const std::string& name) {
    const auto found = entries_.find(name);
    if (found == entries_.end()) return nullptr;
    const std::lock_guard lock(mutex_);
    Entry& entry = found->second;
    if (!entry.parsed) entry.parsed = std::make_unique<Kernel>(parse_kernel(entry.text, entry.line));
    return entry.parsed.get();
}

bool is_text(const void* payload, std::size_t bytes) {
    const std::string_view text = without_padding({static_cast<const char*>(payload), bytes});
    try {
        return Lexer(text).token().is_dotted("version");
    } catch (const BadPtx&) {
        return false;
    }
}

}  // namespace simcuda::ptx
