#include "ptx/scopes.hpp"

#include <charconv>
#include <utility>

namespace simcuda::ptx {

void Scopes::enter() {
    Scope scope;
    scope.parent = open_.empty() ? 0 : open_.back();
    open_.push_back(scopes_.size());
    scopes_.push_back(std::move(scope));
}

bool Scopes::leave() {
    if (open_.size() == 1) return false;
    open_.pop_back();
    return true;
}

bool Scopes::declare_registers(std::string_view name, std::int64_t count, Type type) {
    Scope& scope = scopes_[current()];
    return (count < 0 ? scope.singles : scope.ranges).try_emplace(name, Range{count, type}).second;
}

bool Scopes::declare_label(std::string_view name, std::int32_t instruction) {
    return scopes_[current()].labels.try_emplace(name, instruction).second;
}

bool Scopes::declare_table(std::string_view name, Table labels) {
    return scopes_[current()].tables.try_emplace(name, std::move(labels)).second;
}

const Scopes::Range* Scopes::find_declared(const Scope& scope, std::string_view name) {
    // `%r12` is of `%r<100>`, and also of `%r1<100>`.
    std::size_t split = name.size();
    while (split > 1 && name[split - 1] >= '0' && name[split - 1] <= '9') {
        --split;
        if (name[split] == '0' && split + 1 < name.size()) continue;
        const auto range = scope.ranges.find(name.substr(0, split));
        if (range == scope.ranges.end()) continue;
        std::int64_t number = 0;
        const auto parsed = std::from_chars(name.data() + split, name.data() + name.size(), number);
        if (parsed.ec == std::errc() && number < range->second.count) return &range->second;
    }
    const auto single = scope.singles.find(name);
    return single == scope.singles.end() ? nullptr : &single->second;
}

std::int32_t Scopes::find_register(std::string_view name) {
    for (auto id = open_.rbegin(); id != open_.rend(); ++id) {
        Scope& scope = scopes_[*id];
        if (const auto used = scope.used.find(name); used != scope.used.end()) return used->second;
        if (const Range* const declared = find_declared(scope, name)) {
            const auto index = static_cast<std::int32_t>(registers_.size());
            registers_.push_back({.name = std::string(name), .type = declared->type});
            scope.used.emplace(name, index);
            return index;
        }
    }
    return -1;
}

template <typename Map>
const typename Map::mapped_type* Scopes::find(Map Scope::*names, std::string_view name, Id from) const {
    for (Id id = from;; id = scopes_[id].parent) {
        const Map& here = scopes_[id].*names;
        if (const auto found = here.find(name); found != here.end()) return &found->second;
        if (id == 0) return nullptr;
    }
}

const std::int32_t* Scopes::find_label(std::string_view name, Id from) const {
    return find(&Scope::labels, name, from);
}

const Scopes::Table* Scopes::find_table(std::string_view name, Id from) const {
    return find(&Scope::tables, name, from);
}

}  // namespace simcuda::ptx
