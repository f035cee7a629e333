#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>
#include <utility>

namespace simcuda {

/// The objects behind the handles a program holds; a handle that names none is found out. Needs the caller's lock.
template <typename Object>
class LiveObjects {
public:
    Object* add(Object object) {
        auto owned = std::make_unique<Object>(std::move(object));
        Object* const handle = owned.get();
        objects_.emplace(handle, std::move(owned));
        return handle;
    }
    Object* find(const void* handle) const {
        const auto found = objects_.find(handle);
        return found == objects_.end() ? nullptr : found->second.get();
    }
    bool remove(const void* handle) { return objects_.erase(handle) == 1; }
    void remove_card(int card) {
        std::erase_if(objects_, [card](const auto& entry) { return entry.second->card == card; });
    }
    std::size_t size() const { return objects_.size(); }

private:
    std::unordered_map<const void*, std::unique_ptr<Object>> objects_;
};

}  // namespace simcuda
