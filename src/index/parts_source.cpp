#include "index/parts_source.hpp"

#include <algorithm>

#include <gpushard/error.hpp>

namespace gpushard {

PartsSource::PartsSource(std::vector<std::shared_ptr<const ByteSource>> parts) : parts_(std::move(parts)) {
    name_ = parts_.front()->name();
    if (parts_.size() > 1) name_ += " (+" + std::to_string(parts_.size() - 1) + " parts)";
    Bytes end = 0;
    for (const auto& part : parts_) ends_.push_back(end = checked_add(end, part->size()));
}

template <typename Visit>
void PartsSource::for_each_piece(Bytes offset, Bytes count, Visit visit) const {
    auto part = static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), offset) - ends_.begin());
    for (; count > 0; ++part) {
        const Bytes begin = ends_[part] - parts_[part]->size();
        const Bytes piece = std::min(count, ends_[part] - offset);
        visit(*parts_[part], offset - begin, piece);
        offset += piece;
        count -= piece;
    }
}

void PartsSource::read_bytes(Bytes offset, void* destination, std::size_t count) const {
    auto* out = static_cast<char*>(destination);
    for_each_piece(offset, count, [&](const ByteSource& part, Bytes at, Bytes piece) {
        part.read(at, out, piece);
        out += piece;
    });
}

std::vector<std::string> PartsSource::files() const {
    std::vector<std::string> files;
    for (const auto& part : parts_) files.push_back(part->name());
    return files;
}

void PartsSource::check_unchanged() const {
    for (const auto& part : parts_) part->check_unchanged();
}

void PartsSource::done_with(Bytes offset, Bytes count) const {
    for_each_piece(offset, count, [](const ByteSource& part, Bytes at, Bytes piece) { part.done_with(at, piece); });
}

}  // namespace gpushard
