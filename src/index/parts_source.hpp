#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <gpushard/byte_source.hpp>

namespace gpushard {

/// Several sources laid end to end.
class PartsSource final : public ByteSource {
public:
    /// At least one part.
    explicit PartsSource(std::vector<std::shared_ptr<const ByteSource>> parts);

    std::string name() const override { return name_; }
    Bytes size() const override { return ends_.back(); }
    std::vector<std::string> files() const override;
    void check_unchanged() const override;
    void done_with(Bytes offset, Bytes count) const override;

private:
    void read_bytes(Bytes offset, void* destination, std::size_t count) const override;

    /// Calls `visit(part, offset in the part, count)` for the pieces of [offset, offset + count), in order.
    template <typename Visit>
    void for_each_piece(Bytes offset, Bytes count, Visit visit) const;

    std::string name_;
    std::vector<std::shared_ptr<const ByteSource>> parts_;
    std::vector<Bytes> ends_;  ///< where each part ends in the whole
};

}  // namespace gpushard
