#include <cstring>
#include <cuda_runtime_api.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "calls/copying.hpp"
#include "calls/stream_cards.hpp"
#include "runtime/call.hpp"
#include "runtime/findings.hpp"
#include "runtime/reachable_memory.hpp"
#include "runtime/work.hpp"

using namespace simcuda;

namespace {

std::uintptr_t as_address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

Location locate(const void* pointer) {
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    return simulator.locate(pointer);
}

/// Whether a card has this address, with no allocation there.
bool is_gone(const void* pointer, const Location& location) {
    if (location.kind != Location::Kind::unknown) return false;
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    for (int place = 0; place < simulator.card_count(); ++place) {
        if (simulator.card(place).memory.contains(as_address(pointer))) return true;
    }
    return false;
}

/// Rows of `width` bytes, `to_pitch` and `from_pitch` bytes apart.
struct Shape {
    std::size_t to_pitch = 0;
    std::size_t from_pitch = 0;
    std::size_t width = 0;
    std::size_t height = 1;

    std::size_t span(std::size_t pitch) const { return (height - 1) * pitch + width; }
};

/// What is taken of pageable memory until its copy's turn; more is copied before the call returns.
constexpr std::size_t most_staged = std::size_t{256} << 20;

Shape one_row(std::size_t bytes) { return {.width = bytes}; }

/// Work that was held back until what it uses was gone. False then, with a finding after which the card is lost.
bool is_still_there(const Location& then, const void* pointer, std::size_t bytes, const std::string& function,
                    int place) {
    if (then.kind == Location::Kind::unknown) return true;
    const Location now = locate(pointer);
    if (now.kind == then.kind && now.holds(as_address(pointer), bytes)) return true;
    Findings::instance().report({interpreter::FindingKind::invalid_access, function,
                                 "uses " + std::to_string(bytes) + " bytes at " +
                                     ReachableMemory(then.card).describe(as_address(pointer), bytes)});
    Simulator::instance().card(place).lose();
    return false;
}

/// A copy, with both ends looked up.
class Copy {
public:
    Copy(void* to, const void* from, const Shape& shape)
        : to_(to), from_(from), shape_(shape), target_(locate(to)), source_(locate(from)) {}

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

    bool holds() const {
        return target_.holds(as_address(to_), shape_.span(shape_.to_pitch)) &&
               source_.holds(as_address(from_), shape_.span(shape_.from_pitch));
    }

    /// True, with a finding, where an end is memory of a card that was freed or never allocated. It is not reachable,
    /// so a copy that took it for host memory would crash.
    bool uses_gone_memory(const std::string& function) const {
        for (const auto& [pointer, location] : {std::pair<const void*, Location>{to_, target_}, {from_, source_}}) {
            if (!is_gone(pointer, location)) continue;
            Findings::instance().report({interpreter::FindingKind::invalid_access, function,
                                         "uses " + std::to_string(bytes()) + " bytes at " +
                                             ReachableMemory(place()).describe(as_address(pointer), bytes())});
            return true;
        }
        return false;
    }

    bool within_host() const { return !target_.on_device() && !source_.on_device(); }
    bool within_cards() const { return target_.kind == Location::Kind::device && source_.kind == target_.kind; }
    std::size_t bytes() const { return shape_.width * shape_.height; }
    bool from_pageable() const { return source_.kind == Location::Kind::unknown; }
    bool to_pageable() const { return target_.kind == Location::Kind::unknown; }

    /// Takes the bytes of pageable memory, which is the caller's again when the call returns.
    void stage() {
        staged_ = std::make_shared<std::vector<std::byte>>(shape_.width * shape_.height);
        for (std::size_t row = 0; row < shape_.height; ++row) {
            std::memcpy(staged_->data() + row * shape_.width,
                        static_cast<const std::byte*>(from_) + row * shape_.from_pitch, shape_.width);
        }
        from_ = staged_->data();
        shape_.from_pitch = shape_.width;
    }

    /// For a copy that was held back by a stream of the card at `place`.
    void move_if_there(const std::string& function, int place) const {
        if (!is_still_there(target_, to_, shape_.span(shape_.to_pitch), function, place)) return;
        if (!is_still_there(source_, from_, shape_.span(shape_.from_pitch), function, place)) return;
        if (target_.kind != Location::Kind::device && source_.kind == Location::Kind::device)
            report_unwritten(function);
        move();
    }

    void move() const {
        for (std::size_t row = 0; row < shape_.height; ++row) {
            move_row(static_cast<std::byte*>(to_) + row * shape_.to_pitch,
                     static_cast<const std::byte*>(from_) + row * shape_.from_pitch);
        }
    }

    void count() const {
        Simulator& simulator = Simulator::instance();
        const std::size_t bytes = shape_.width * shape_.height;
        if (target_.on_device()) {
            simulator.card(target_.card)
                .count_copy(source_.on_device() ? Direction::device_to_device : Direction::host_to_device, bytes);
        } else if (source_.on_device()) {
            simulator.card(source_.card).count_copy(Direction::device_to_host, bytes);
        }
    }

private:
    void move_row(std::byte* to, const std::byte* from) const {
        const bool to_card = target_.kind == Location::Kind::device;
        const bool from_card = source_.kind == Location::Kind::device;
        if (to_card && from_card) {
            target_.memory->copy_from(*source_.memory, as_address(from), as_address(to), shape_.width);
        } else if (to_card) {
            target_.memory->write(as_address(to), from, shape_.width);
        } else if (from_card) {
            source_.memory->read(as_address(from), to, shape_.width);
        } else {
            std::memmove(to, from, shape_.width);
        }
    }

    void report_unwritten(const std::string& function) const {
        for (std::size_t row = 0; row < shape_.height; ++row) {
            const std::uintptr_t begin = as_address(from_) + row * shape_.from_pitch;
            const auto unwritten = source_.memory->first_unwritten(begin, shape_.width);
            if (!unwritten) continue;
            Findings::instance().report({interpreter::FindingKind::unwritten_read, function,
                                         "copies " + std::to_string(shape_.width) +
                                             " bytes to the host, of which byte " + std::to_string(*unwritten) + ", " +
                                             ReachableMemory(source_.card).describe(begin + *unwritten, 1) +
                                             ", was never written"});
            return;
        }
    }

    void* to_;
    const void* from_;
    Shape shape_;
    Location target_;
    Location source_;
    std::shared_ptr<std::vector<std::byte>> staged_;
};

/// When a copy that computes is made, and what waits for it, as CUDA documents.
cudaError_t order_copy(Copy& copy, const std::string& function, Waits waits, cudaStream_t stream) {
    const int place = place_of(stream);
    if (copy.within_host()) {
        finish_stream(place, stream);
        if (card_is_lost(place)) return lost_card_error;
        copy.move();
        return cudaSuccess;
    }
    if (copy.from_pageable()) {
        const bool large = copy.bytes() > most_staged;
        if (large || waits == Waits::as_cudaMemcpy) finish_stream(place, stream);
        if (large) {
            if (!card_is_lost(place)) copy.move();
            return state_of(place);
        }
        copy.stage();
    }
    const WorkPoint point = submit(place, stream, [copy, function, place](bool run) {
        if (run) copy.move_if_there(function, place);
    });
    const bool waits_here = waits == Waits::as_cudaMemcpy && !copy.within_cards() && !copy.from_pageable();
    if (waits_here || copy.to_pageable()) point.finish();
    return state_of(place);
}

cudaError_t perform_copy(CallSite& site, void* to, const void* from, const Shape& shape, cudaMemcpyKind kind,
                         Waits waits, cudaStream_t stream) {
    Copy copy(to, from, shape);
    return perform(site, copy.place(), Needs::context, [&] {
        if (!card_of(stream)) return cudaErrorInvalidResourceHandle;
        if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
        if (shape.width == 0 || shape.height == 0) return cudaSuccess;
        if (shape.height > 1 && (shape.width > shape.to_pitch || shape.width > shape.from_pitch)) {
            return cudaErrorInvalidPitchValue;
        }
        if (copy.reaches_lost_card()) return lost_card_error;
        if (to == nullptr || from == nullptr || !copy.agrees_with(kind)) return cudaErrorInvalidValue;
        if (!copy.holds() || copy.uses_gone_memory(site.function())) return cudaErrorInvalidValue;
        copy.count();
        if (Simulator::instance().computes()) return order_copy(copy, site.function(), waits, stream);
        copy.move();
        return cudaSuccess;
    });
}

/// In step with everything on both cards.
cudaError_t perform_peer_copy(CallSite& site, void* to, const void* from, std::size_t bytes) {
    finish_card(Copy(to, from, one_row(bytes)).place());
    if (const Location source = locate(from); source.on_device()) finish_card(source.card);
    const cudaError_t result =
        perform_copy(site, to, from, one_row(bytes), cudaMemcpyDeviceToDevice, Waits::as_cudaMemcpy, nullptr);
    if (Simulator::instance().has_card(current_place())) finish_stream(current_place(), nullptr);
    return result;
}

cudaError_t perform_fill(CallSite& site, void* to, int value, std::size_t bytes, Waits waits, cudaStream_t stream) {
    const Location where = locate(to);
    const int place = where.on_device() ? where.card : current_place();
    return perform(site, place, Needs::context, [&] {
        if (!card_of(stream)) return cudaErrorInvalidResourceHandle;
        if (bytes == 0) return cudaSuccess;
        if (where.kind == Location::Kind::unknown || !where.holds(as_address(to), bytes)) return cudaErrorInvalidValue;
        const auto fill = [where, to, value, bytes] {
            if (where.kind == Location::Kind::device) {
                where.memory->fill(as_address(to), value, bytes);
            } else {
                std::memset(to, value, bytes);
            }
        };
        if (!Simulator::instance().computes()) {
            fill();
            return cudaSuccess;
        }
        const int queued_on = place_of(stream);
        const WorkPoint point = submit(queued_on, stream, [=, function = site.function()](bool run) {
            if (run && is_still_there(where, to, bytes, function, queued_on)) fill();
        });
        if (waits == Waits::as_cudaMemcpy && where.kind != Location::Kind::device) point.finish();
        return state_of(queued_on);
    });
}

}  // namespace

cudaError_t simcuda::copy_row(CallSite& site, void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                              Waits waits, cudaStream_t stream) {
    return perform_copy(site, to, from, one_row(bytes), kind, waits, stream);
}

extern "C" {

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
    static CallSite& site = CallSite::of(__func__);
    return perform_copy(site, to, from, one_row(bytes), kind, Waits::as_cudaMemcpy, nullptr);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
    static CallSite& site = CallSite::of(__func__);
    return perform_copy(site, to, from, one_row(bytes), kind, Waits::as_cudaMemcpyAsync, stream);
}

cudaError_t cudaMemcpy2D(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t width,
                         std::size_t height, cudaMemcpyKind kind) {
    static CallSite& site = CallSite::of(__func__);
    return perform_copy(site, to, from, {to_pitch, from_pitch, width, height}, kind, Waits::as_cudaMemcpy, nullptr);
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                              std::size_t width, std::size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
    static CallSite& site = CallSite::of(__func__);
    return perform_copy(site, to, from, {to_pitch, from_pitch, width, height}, kind, Waits::as_cudaMemcpyAsync, stream);
}

cudaError_t cudaMemcpyPeer(void* to, int, const void* from, int, std::size_t bytes) {
    static CallSite& site = CallSite::of(__func__);
    return perform_peer_copy(site, to, from, bytes);
}

cudaError_t cudaMemcpyPeerAsync(void* to, int, const void* from, int, std::size_t bytes, cudaStream_t stream) {
    static CallSite& site = CallSite::of(__func__);
    return perform_copy(site, to, from, one_row(bytes), cudaMemcpyDeviceToDevice, Waits::as_cudaMemcpyAsync, stream);
}

cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
    static CallSite& site = CallSite::of(__func__);
    return perform_fill(site, to, value, bytes, Waits::as_cudaMemcpy, nullptr);
}

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
    static CallSite& site = CallSite::of(__func__);
    return perform_fill(site, to, value, bytes, Waits::as_cudaMemcpyAsync, stream);
}

}  // extern "C"
