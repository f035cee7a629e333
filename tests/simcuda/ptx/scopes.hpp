#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ptx/kernel.hpp"

namespace simcuda::ptx {

/// The names that the braces of a kernel hold: registers, labels, and tables of labels. Names are views into the text.
class Scopes {
public:
    /// Where a name is looked up once all is read.
    using Id = std::size_t;
    using Table = std::vector<std::string_view>;

    /// `registers` receives those that are used, in the order of their first use.
    explicit Scopes(std::vector<Register>& registers) : registers_(registers) { enter(); }

    void enter();
    /// False where only the braces of the kernel are left.
    bool leave();
    Id current() const { return open_.back(); }

    /// `count` -1 for a single register, otherwise name0 to name<count - 1>. The others: false where the name is taken.
    bool declare_registers(std::string_view name, std::int64_t count, Type type);
    bool declare_label(std::string_view name, std::int32_t instruction);
    bool declare_table(std::string_view name, Table labels);

    /// Index into the registers; -1 where none of that name is declared.
    std::int32_t find_register(std::string_view name);
    /// Null where there is none.
    const std::int32_t* find_label(std::string_view name, Id from) const;
    const Table* find_table(std::string_view name, Id from) const;

private:
    struct Range {
        std::int64_t count = -1;
        Type type = Type::b32;
    };
    struct Scope {
        Id parent = 0;
        std::unordered_map<std::string_view, Range> singles;
        std::unordered_map<std::string_view, Range> ranges;
        std::unordered_map<std::string_view, std::int32_t> used;
        std::unordered_map<std::string_view, std::int32_t> labels;
        std::unordered_map<std::string_view, Table> tables;
    };

    static const Range* find_declared(const Scope& scope, std::string_view name);
    template <typename Map>
    const typename Map::mapped_type* find(Map Scope::*names, std::string_view name, Id from) const;

    std::vector<Register>& registers_;
    std::vector<Scope> scopes_;
    std::vector<Id> open_;
};

}  // namespace simcuda::ptx
