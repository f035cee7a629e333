#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <new>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <gpushard/index_inspector.hpp>

namespace gpushard {
namespace {

constexpr Bytes sample_bytes = 4_KiB;
constexpr Bytes sample_count = 16;

class ContentHash {
public:
    explicit ContentHash(const ByteSource& source) : source_(source) { XXH3_128bits_reset(state_.get()); }

    void add_number(Bytes number) {
        std::array<unsigned char, 8> little_endian{};
        for (auto& byte : little_endian) {
            byte = static_cast<unsigned char>(number & 0xff);
            number >>= 8;
        }
        XXH3_128bits_update(state_.get(), little_endian.data(), little_endian.size());
    }

    void add_bytes(Bytes offset, Bytes count) {
        std::array<char, sample_bytes> buffer;
        while (count > 0) {
            const Bytes piece = std::min<Bytes>(count, buffer.size());
            source_.read(offset, buffer.data(), piece);
            XXH3_128bits_update(state_.get(), buffer.data(), piece);
            offset += piece;
            count -= piece;
        }
    }

    std::string digits() const {
        const XXH128_hash_t hash = XXH3_128bits_digest(state_.get());
        char text[33];
        std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                      static_cast<unsigned long long>(hash.low64));
        return text;
    }

private:
    struct FreeState {
        void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
    };
    static XXH3_state_t* new_state() {
        XXH3_state_t* state = XXH3_createState();
        if (state == nullptr) throw std::bad_alloc();
        return state;
    }

    const ByteSource& source_;
    std::unique_ptr<XXH3_state_t, FreeState> state_{new_state()};
};

}  // namespace

std::string fingerprint(const ByteSource& source, const IndexProfile& profile) {
    ContentHash hash(source);
    hash.add_number(source.size());
    hash.add_bytes(0, profile.payload_offset);
    if (profile.payload_bytes <= sample_count * sample_bytes) {
        hash.add_bytes(profile.payload_offset, profile.payload_bytes);
        return hash.digits();
    }
    // The first sample begins with the payload and the last ends with it. Division first: no product can wrap.
    const Bytes last_start = profile.payload_bytes - sample_bytes;
    for (Bytes sample = 0; sample < sample_count; ++sample) {
        const Bytes start =
            last_start / (sample_count - 1) * sample + last_start % (sample_count - 1) * sample / (sample_count - 1);
        hash.add_bytes(profile.payload_offset + start, sample_bytes);
    }
    return hash.digits();
}

}  // namespace gpushard
