#include <cstring>
#include <cuda_runtime_api.h>

#include "calls/copying.hpp"
#include "calls/stream_cards.hpp"
#include "runtime/call.hpp"

using namespace simcuda;

namespace {

std::uintptr_t as_address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

/// A copy, with both ends looked up.
class Copy {
public:
    Copy(void* to, const void* from) : to_(to), from_(from) {
        Simulator& simulator = Simulator::instance();
        const std::lock_guard lock(simulator.mutex);
        target_ = simulator.locate(to);
        source_ = simulator.locate(from);
    }

    /// The card it is made on: the one that receives, else the one that sends, else the current one.
    int place() const {
        if (target_.on_device()) return target_.card;
        return source_.on_device() ? source_.card : current_place();
    }

    bool reaches_lost_card() const {
        return (target_.on_device() && card_is_lost(target_.card)) ||
               (source_.on_device() && card_is_lost(source_.card));
    }

    bool agrees_with(cudaMemcpyKind kind) const {
        switch (kind) {
            case cudaMemcpyHostToHost:
                return target_.on_host() && source_.on_host();
            case cudaMemcpyHostToDevice:
                return target_.on_device() && source_.on_host();
            case cudaMemcpyDeviceToHost:
                return target_.on_host() && source_.on_device();
            case cudaMemcpyDeviceToDevice:
                return target_.on_device() && source_.on_device();
            case cudaMemcpyDefault:
                return true;
        }
        return false;
    }

    bool holds(std::size_t to_end, std::size_t from_end) const {
        return target_.holds(as_address(to_), to_end) && source_.holds(as_address(from_), from_end);
    }

    /// Moves `bytes` that begin so far behind both ends.
    void move(std::size_t to_offset, std::size_t from_offset, std::size_t bytes) const {
        char* const to = static_cast<char*>(to_) + to_offset;
        const char* const from = static_cast<const char*>(from_) + from_offset;
        const bool to_card = target_.kind == Location::Kind::device;
        const bool from_card = source_.kind == Location::Kind::device;
        if (to_card && from_card) {
            target_.memory->copy_from(*source_.memory, as_address(from), as_address(to), bytes);
        } else if (to_card) {
            target_.memory->write(as_address(to), from, bytes);
        } else if (from_card) {
            source_.memory->read(as_address(from), to, bytes);
        } else {
            std::memmove(to, from, bytes);
        }
    }

    void count(std::size_t bytes) const {
        Simulator& simulator = Simulator::instance();
        if (target_.on_device()) {
            simulator.card(target_.card)
                .count_copy(source_.on_device() ? Direction::device_to_device : Direction::host_to_device, bytes);
        } else if (source_.on_device()) {
            simulator.card(source_.card).count_copy(Direction::device_to_host, bytes);
        }
    }

private:
    void* to_;
    const void* from_;
    Location target_;
    Location source_;
};

/// Rows of `width` bytes, `to_pitch` and `from_pitch` bytes apart.
struct Shape {
    std::size_t to_pitch = 0;
    std::size_t from_pitch = 0;
    std::size_t width = 0;
    std::size_t height = 1;

    std::size_t span(std::size_t pitch) const { return (height - 1) * pitch + width; }
};

cudaError_t perform_copy(CallSite& site, void* to, const void* from, const Shape& shape, cudaMemcpyKind kind,
                         cudaStream_t stream) {
    const Copy copy(to, from);
    return perform(site, copy.place(), Needs::context, [&] {
        if (!card_of(stream)) return cudaErrorInvalidResourceHandle;
        if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
        if (shape.width == 0 || shape.height == 0) return cudaSuccess;
        if (shape.height > 1 && (shape.width > shape.to_pitch || shape.width > shape.from_pitch)) {
            return cudaErrorInvalidPitchValue;
        }
        if (copy.reaches_lost_card()) return lost_card_error;
        if (to == nullptr || from == nullptr || !copy.agrees_with(kind)) return cudaErrorInvalidValue;
        if (!copy.holds(shape.span(shape.to_pitch), shape.span(shape.from_pitch))) return cudaErrorInvalidValue;
        for (std::size_t row = 0; row < shape.height; ++row) {
            copy.move(row * shape.to_pitch, row * shape.from_pitch, shape.width);
        }
        copy.count(shape.width * shape.height);
        return cudaSuccess;
    });
}

Shape one_row(std::size_t bytes) { return {.width = bytes}; }

cudaError_t perform_fill(CallSite& site, void* to, int value, std::size_t bytes, cudaStream_t stream) {
    Simulator& simulator = Simulator::instance();
    Location where;
    {
        const std::lock_guard lock(simulator.mutex);
        where = simulator.locate(to);
    }
    const int place = where.on_device() ? where.card : current_place();
    return perform(site, place, Needs::context, [&] {
        if (!card_of(stream)) return cudaErrorInvalidResourceHandle;
        if (bytes == 0) return cudaSuccess;
        if (where.kind == Location::Kind::unknown || !where.holds(as_address(to), bytes)) return cudaErrorInvalidValue;
        if (where.kind == Location::Kind::device) {
            where.memory->fill(as_address(to), value, bytes);
        } else {
            std::memset(to, value, bytes);
        }
        return cudaSuccess;
    });
}

}  // namespace

cudaError_t simcuda::copy_row(CallSite& site, void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, Waits,
                              cudaStream_t stream) {
    return perform_copy(site, to, from, one_row(bytes), kind, stream);
}

extern "C" {

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
    static CallSite& site = CallSite::of(__func__);
    return perform_copy(site, to, from, one_row(bytes), kind, nullptr);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
    static CallSite& site = CallSite::of(__func__);
    return perform_copy(site, to, from, one_row(bytes), kind, stream);
}

cudaError_t cudaMemcpy2D(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t width,
                         std::size_t height, cudaMemcpyKind kind) {
    static CallSite& site = CallSite::of(__func__);
    return perform_copy(site, to, from, {to_pitch, from_pitch, width, height}, kind, nullptr);
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                              std::size_t width, std::size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
    static CallSite& site = CallSite::of(__func__);
    return perform_copy(site, to, from, {to_pitch, from_pitch, width, height}, kind, stream);
}

cudaError_t cudaMemcpyPeer(void* to, int, const void* from, int, std::size_t bytes) {
    static CallSite& site = CallSite::of(__func__);
    return perform_copy(site, to, from, one_row(bytes), cudaMemcpyDeviceToDevice, nullptr);
}

cudaError_t cudaMemcpyPeerAsync(void* to, int, const void* from, int, std::size_t bytes, cudaStream_t stream) {
    static CallSite& site = CallSite::of(__func__);
    return perform_copy(site, to, from, one_row(bytes), cudaMemcpyDeviceToDevice, stream);
}

cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
    static CallSite& site = CallSite::of(__func__);
    return perform_fill(site, to, value, bytes, nullptr);
}

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
    static CallSite& site = CallSite::of(__func__);
    return perform_fill(site, to, value, bytes, stream);
}

}  // extern "C"
