#include <algorithm>
#include <cstring>
#include <cuda_runtime_api.h>
#include <map>

#include <climits>

#include "runtime/call.hpp"
#include "runtime/kernel_launch.hpp"

using namespace simcuda;

namespace {

constexpr int threads_per_multiprocessor = 2048;
constexpr int warp_threads = 32;
constexpr int multiprocessors = 80;
constexpr int shared_bytes_per_multiprocessor = 100 * 1024;
constexpr int registers = 65536;
constexpr int constant_bytes = 65536;
constexpr int grid_y = 65535;
constexpr int l2_bytes = 40 << 20;
constexpr int core_kilohertz = 1'500'000;
constexpr int bus_bits = 4096;

/// Bandwidth is read back as 2 x clock x width / 8, as from a card with double data rate memory.
int memory_kilohertz(const CardSpec& card) {
    constexpr std::uint64_t bytes_per_kilohertz = 2ULL * 1000 * (bus_bits / 8);
    return static_cast<int>(card.bytes_per_second / bytes_per_kilohertz);
}

const std::map<cudaDeviceAttr, int>& common_attributes() {
    static const std::map<cudaDeviceAttr, int> attributes{
        {cudaDevAttrMaxThreadsPerBlock, threads_per_block},
        {cudaDevAttrMaxBlockDimX, threads_per_block},
        {cudaDevAttrMaxBlockDimY, threads_per_block},
        {cudaDevAttrMaxBlockDimZ, 64},
        {cudaDevAttrMaxGridDimX, INT_MAX},
        {cudaDevAttrMaxGridDimY, grid_y},
        {cudaDevAttrMaxGridDimZ, grid_y},
        {cudaDevAttrMaxSharedMemoryPerBlock, shared_bytes_per_block},
        {cudaDevAttrMaxSharedMemoryPerBlockOptin, shared_bytes_optin},
        {cudaDevAttrMaxSharedMemoryPerMultiprocessor, shared_bytes_per_multiprocessor},
        {cudaDevAttrReservedSharedMemoryPerBlock, 1024},
        {cudaDevAttrTotalConstantMemory, constant_bytes},
        {cudaDevAttrWarpSize, warp_threads},
        {cudaDevAttrMaxPitch, INT_MAX},
        {cudaDevAttrMaxRegistersPerBlock, registers},
        {cudaDevAttrMaxRegistersPerMultiprocessor, registers},
        {cudaDevAttrClockRate, core_kilohertz},
        {cudaDevAttrTextureAlignment, 512},
        {cudaDevAttrGpuOverlap, 1},
        {cudaDevAttrMultiProcessorCount, multiprocessors},
        {cudaDevAttrCanMapHostMemory, 1},
        {cudaDevAttrConcurrentKernels, 1},
        {cudaDevAttrGlobalMemoryBusWidth, bus_bits},
        {cudaDevAttrL2CacheSize, l2_bytes},
        {cudaDevAttrMaxThreadsPerMultiProcessor, threads_per_multiprocessor},
        {cudaDevAttrMaxBlocksPerMultiprocessor, 32},
        {cudaDevAttrAsyncEngineCount, 2},
        {cudaDevAttrUnifiedAddressing, 1},
        {cudaDevAttrStreamPrioritiesSupported, 1},
        {cudaDevAttrManagedMemory, 1},
        {cudaDevAttrConcurrentManagedAccess, 1},
        {cudaDevAttrHostRegisterSupported, 1},
        {cudaDevAttrCooperativeLaunch, 1},
    };
    return attributes;
}

int attribute_of(const CardSpec& card, cudaDeviceAttr attribute) {
    const PciAddress pci = parse_pci(card.pci);
    switch (attribute) {
        case cudaDevAttrComputeCapabilityMajor:
            return card.compute_capability / 10;
        case cudaDevAttrComputeCapabilityMinor:
            return card.compute_capability % 10;
        case cudaDevAttrMemoryClockRate:
            return memory_kilohertz(card);
        case cudaDevAttrPciDomainId:
            return static_cast<int>(pci.domain);
        case cudaDevAttrPciBusId:
            return static_cast<int>(pci.bus);
        case cudaDevAttrPciDeviceId:
            return static_cast<int>(pci.device);
        case cudaDevAttrNumaId:
        case cudaDevAttrHostNumaId:
            return card.numa_node;
        default:
            break;
    }
    const auto found = common_attributes().find(attribute);
    return found == common_attributes().end() ? 0 : found->second;
}

cudaDeviceProp properties_of(const CardSpec& card) {
    const PciAddress pci = parse_pci(card.pci);
    cudaDeviceProp properties{};
    card.name.copy(properties.name, sizeof properties.name - 1);
    const auto uuid = parse_uuid(card.uuid);
    std::memcpy(properties.uuid.bytes, uuid.data(), uuid.size());
    properties.totalGlobalMem = card.total_bytes;
    properties.sharedMemPerBlock = shared_bytes_per_block;
    properties.sharedMemPerBlockOptin = shared_bytes_optin;
    properties.sharedMemPerMultiprocessor = shared_bytes_per_multiprocessor;
    properties.reservedSharedMemPerBlock = 1024;
    properties.regsPerBlock = registers;
    properties.regsPerMultiprocessor = registers;
    properties.warpSize = warp_threads;
    properties.memPitch = INT_MAX;
    properties.maxThreadsPerBlock = threads_per_block;
    properties.maxThreadsPerMultiProcessor = threads_per_multiprocessor;
    properties.maxBlocksPerMultiProcessor = 32;
    properties.maxThreadsDim[0] = properties.maxThreadsDim[1] = threads_per_block;
    properties.maxThreadsDim[2] = 64;
    properties.maxGridSize[0] = INT_MAX;
    properties.maxGridSize[1] = properties.maxGridSize[2] = grid_y;
    properties.totalConstMem = constant_bytes;
    properties.major = card.compute_capability / 10;
    properties.minor = card.compute_capability % 10;
    properties.textureAlignment = 512;
    properties.multiProcessorCount = multiprocessors;
    properties.canMapHostMemory = 1;
    properties.concurrentKernels = 1;
    properties.pciDomainID = static_cast<int>(pci.domain);
    properties.pciBusID = static_cast<int>(pci.bus);
    properties.pciDeviceID = static_cast<int>(pci.device);
    properties.asyncEngineCount = 2;
    properties.unifiedAddressing = 1;
    properties.memoryBusWidth = bus_bits;
    properties.l2CacheSize = l2_bytes;
    properties.streamPrioritiesSupported = 1;
    properties.managedMemory = 1;
    properties.concurrentManagedAccess = 1;
    properties.cooperativeLaunch = 1;
    properties.hostRegisterSupported = 1;
#if CUDART_VERSION >= 13000
    properties.hostNumaId = card.numa_node;
#else
    properties.clockRate = core_kilohertz;
    properties.memoryClockRate = memory_kilohertz(card);
    properties.deviceOverlap = 1;
#endif
    return properties;
}

}  // namespace

extern "C" {

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int ordinal) {
    static CallSite& site = CallSite::of(__func__);
    Simulator& simulator = Simulator::instance();
    const int place = simulator.place_of(ordinal);
    return perform(site, place, Needs::rig, [&] {
        if (place < 0) return cudaErrorInvalidDevice;
        *value = attribute_of(simulator.card(place).spec(), attribute);
        return cudaSuccess;
    });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int ordinal) {
    static CallSite& site = CallSite::of("cudaGetDeviceProperties");
    Simulator& simulator = Simulator::instance();
    const int place = simulator.place_of(ordinal);
    return perform(site, place, Needs::rig, [&] {
        if (place < 0) return cudaErrorInvalidDevice;
        *properties = properties_of(simulator.card(place).spec());
        return cudaSuccess;
    });
}

}  // extern "C"
