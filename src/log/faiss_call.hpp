#pragma once

#include <string>

namespace gpushard {

/// Notes for as long as it lives that the calling thread is inside a call of Faiss on a device, for the report that
/// install_abort_report makes. Calls may nest.
class FaissCall {
public:
    /// `call` is a literal: "bfKnn".
    FaissCall(const std::string& device, const char* call) noexcept;
    ~FaissCall();
    FaissCall(const FaissCall&) = delete;
    FaissCall& operator=(const FaissCall&) = delete;

    /// What the calling thread is in; null where it is in none.
    static const FaissCall* current() noexcept;

    const std::string& device() const { return device_; }
    const char* call() const { return call_; }

private:
    const std::string& device_;
    const char* const call_;
    const FaissCall* const outer_;
};

}  // namespace gpushard
