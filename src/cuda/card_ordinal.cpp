#include "cuda/card_ordinal.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cuda_runtime_api.h>
#include <string>
#include <string_view>

#include <fmt/core.h>

#include <gpushard/error.hpp>

#include "cuda/cuda_check.hpp"

namespace gpushard {
namespace {

/// The hexadecimal digits of a UUID: prefixes ("GPU-", "MIG-") and dashes say nothing about which card it is.
std::string uuid_digits(std::string_view uuid) {
    if (uuid.size() > 4 && uuid[3] == '-') uuid.remove_prefix(4);
    std::string digits;
    for (const char c : uuid) {
        if (c != '-') digits.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
    }
    return digits;
}

std::string uuid_digits(const cudaDeviceProp& card) {
    std::string digits;
    for (const char byte : card.uuid.bytes) digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return digits;
}

int visible_cards(const std::string& device) {
    int count = 0;
    check_cuda(cudaGetDeviceCount(&count), device, "cudaGetDeviceCount");
    return count;
}

int ordinal_in(std::string_view specification) {
    constexpr std::string_view prefix = "cuda:";
    int ordinal = -1;
    if (specification.substr(0, prefix.size()) == prefix) {
        std::from_chars(specification.data() + prefix.size(), specification.data() + specification.size(), ordinal);
    }
    return ordinal;
}

}  // namespace

int card_ordinal(const DeviceInfo& device) {
    const int count = visible_cards(device.spec);
    if (device.uuid.empty()) {
        const int ordinal = ordinal_in(device.spec);
        if (ordinal >= 0 && ordinal < count) return ordinal;
    } else {
        const std::string wanted = uuid_digits(device.uuid);
        for (int ordinal = 0; ordinal < count; ++ordinal) {
            cudaDeviceProp card;
            check_cuda(cudaGetDeviceProperties(&card, ordinal), device.spec, "cudaGetDeviceProperties");
            if (uuid_digits(card) == wanted) return ordinal;
        }
    }
    throw DeviceError(device.spec,
                      "device " + device.spec + (device.uuid.empty() ? "" : " (" + device.uuid + ")") +
                          " is not among the " + std::to_string(count) + " visible cards",
                      {"list the devices of this machine: gpushard devices"});
}

}  // namespace gpushard
