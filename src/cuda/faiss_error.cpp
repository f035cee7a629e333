#include "cuda/faiss_error.hpp"

#include <algorithm>

#include <gpushard/error.hpp>

namespace gpushard {
namespace {

std::string in_one_line(std::string text) {
    text.erase(text.find_last_not_of("\n ") + 1);
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

}  // namespace

void throw_faiss_error(const faiss::FaissException& error, const std::string& device, const char* call) {
    const std::string text = in_one_line(error.what());
    if (text.find("alloc fail") != std::string::npos) {
        throw InsufficientMemory(device + ": no memory left in " + call + ": " + text, 0);
    }
    throw DeviceError(device, device + ": " + call + " failed: " + text);
}

}  // namespace gpushard
