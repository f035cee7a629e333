#pragma once

// The part of NVML's binary interface that the stand-in serves: https://docs.nvidia.com/deploy/nvml-api/

namespace nvml {

enum Result : int {
    success = 0,
    uninitialized = 1,
    invalid_argument = 2,
    not_supported = 3,
    not_found = 6,
    insufficient_size = 7,
    driver_not_loaded = 9,
    gpu_is_lost = 15,
    unknown = 999,
};

/// Of nvmlMemoryErrorType_t and nvmlPageRetirementCause_t.
constexpr int uncorrected_error = 1;
constexpr int double_bit_error = 1;

struct Memory {
    unsigned long long total;
    unsigned long long free;
    unsigned long long used;
};

struct PciInfo {
    char legacy_bus_id[16];
    unsigned domain;
    unsigned bus;
    unsigned device;
    unsigned device_and_vendor;
    unsigned subsystem;
    char bus_id[32];
};

struct ProcessInfo {
    unsigned pid;
    unsigned long long used_bytes;
    unsigned gpu_instance;
    unsigned compute_instance;
};

struct Device;

}  // namespace nvml
