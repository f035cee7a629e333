#pragma once

#include <string>

#include <faiss/impl/FaissException.h>

namespace gpushard {

/// Throws what an exception of Faiss means, in one line that names the card and the call: InsufficientMemory where
/// resources had no memory left, DeviceError for all else.
[[noreturn]] void throw_faiss_error(const faiss::FaissException& error, const std::string& device, const char* call);

}  // namespace gpushard
