#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include <gpushard/byte_source.hpp>

namespace gpushard::cli {

/// What came through a pipe or out of an archive, kept in a temporary file without a name, which is gone with the
/// process however that ends. Writing and reading throw BadFile.
class SpooledSource : public ByteSource {
public:
    /// `name` is what messages call it. The file is made in the folder for temporary files (TMPDIR).
    explicit SpooledSource(std::string name);
    ~SpooledSource() override;
    SpooledSource(const SpooledSource&) = delete;
    SpooledSource& operator=(const SpooledSource&) = delete;

    /// Throws BadFile where it would grow beyond most_spooled_bytes.
    void append(const void* bytes, std::size_t count);

    std::string name() const override { return name_; }
    Bytes size() const override { return size_; }
    int descriptor() const { return descriptor_; }

private:
    void read_bytes(Bytes offset, void* destination, std::size_t count) const override;

    const std::string name_;
    int descriptor_ = -1;
    Bytes size_ = 0;
};

inline constexpr Bytes most_spooled_bytes = 64_GiB;

/// All that `descriptor` gives until its end. Throws Cancelled, and BadFile.
std::shared_ptr<SpooledSource> spool(int descriptor, const std::string& name, const std::stop_token& stop);

}  // namespace gpushard::cli
