#include "calls/error_texts.hpp"

#include <algorithm>
#include <array>

namespace simcuda {
namespace {

#define SIMCUDA_ERROR(code, text) \
    ErrorText { code, #code, text }
constexpr std::array texts{
    SIMCUDA_ERROR(cudaSuccess, "no error"),
    SIMCUDA_ERROR(cudaErrorInvalidValue, "invalid argument"),
    SIMCUDA_ERROR(cudaErrorMemoryAllocation, "out of memory"),
    SIMCUDA_ERROR(cudaErrorInitializationError, "initialization error"),
    SIMCUDA_ERROR(cudaErrorCudartUnloading, "driver shutting down"),
    SIMCUDA_ERROR(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    SIMCUDA_ERROR(cudaErrorInvalidPitchValue, "invalid pitch argument"),
    SIMCUDA_ERROR(cudaErrorInvalidSymbol, "invalid device symbol"),
    SIMCUDA_ERROR(cudaErrorInvalidHostPointer, "invalid host pointer"),
    SIMCUDA_ERROR(cudaErrorInvalidDevicePointer, "invalid device pointer"),
    SIMCUDA_ERROR(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy"),
    SIMCUDA_ERROR(cudaErrorNotYetImplemented, "feature not yet implemented"),
    SIMCUDA_ERROR(cudaErrorStubLibrary, "CUDA driver is a stub library"),
    SIMCUDA_ERROR(cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version"),
    SIMCUDA_ERROR(cudaErrorCallRequiresNewerDriver, "API call is not supported in the installed CUDA driver"),
    SIMCUDA_ERROR(cudaErrorDevicesUnavailable, "CUDA-capable device(s) is/are busy or unavailable"),
    SIMCUDA_ERROR(cudaErrorIncompatibleDriverContext, "incompatible driver context"),
    SIMCUDA_ERROR(cudaErrorMissingConfiguration, "__global__ function call is not configured"),
    SIMCUDA_ERROR(cudaErrorInvalidDeviceFunction, "invalid device function"),
    SIMCUDA_ERROR(cudaErrorNoDevice, "no CUDA-capable device is detected"),
    SIMCUDA_ERROR(cudaErrorInvalidDevice, "invalid device ordinal"),
    SIMCUDA_ERROR(cudaErrorDeviceNotLicensed, "device doesn't have valid Grid license"),
    SIMCUDA_ERROR(cudaErrorStartupFailure, "startup failure in cuda runtime"),
    SIMCUDA_ERROR(cudaErrorInvalidKernelImage, "device kernel image is invalid"),
    SIMCUDA_ERROR(cudaErrorDeviceUninitialized, "invalid device context"),
    SIMCUDA_ERROR(cudaErrorNoKernelImageForDevice, "no kernel image is available for execution on the device"),
    SIMCUDA_ERROR(cudaErrorECCUncorrectable, "uncorrectable ECC error encountered"),
    SIMCUDA_ERROR(cudaErrorUnsupportedLimit, "limit is not supported on this architecture"),
    SIMCUDA_ERROR(cudaErrorDeviceAlreadyInUse, "exclusive-thread device already in use by a different thread"),
    SIMCUDA_ERROR(cudaErrorPeerAccessUnsupported, "peer access is not supported between these two devices"),
    SIMCUDA_ERROR(cudaErrorInvalidPtx, "a PTX JIT compilation failed"),
    SIMCUDA_ERROR(cudaErrorNvlinkUncorrectable, "uncorrectable NVLink error detected during the execution"),
    SIMCUDA_ERROR(cudaErrorJitCompilerNotFound, "PTX JIT compiler library not found"),
    SIMCUDA_ERROR(cudaErrorUnsupportedPtxVersion, "the provided PTX was compiled with an unsupported toolchain."),
    SIMCUDA_ERROR(cudaErrorJitCompilationDisabled, "PTX JIT compilation was disabled"),
    SIMCUDA_ERROR(cudaErrorOperatingSystem, "OS call failed or operation not supported on this OS"),
    SIMCUDA_ERROR(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    SIMCUDA_ERROR(cudaErrorIllegalState, "the operation cannot be performed in the present state"),
    SIMCUDA_ERROR(cudaErrorSymbolNotFound, "named symbol not found"),
    SIMCUDA_ERROR(cudaErrorNotReady, "device not ready"),
    SIMCUDA_ERROR(cudaErrorIllegalAddress, "an illegal memory access was encountered"),
    SIMCUDA_ERROR(cudaErrorLaunchOutOfResources, "too many resources requested for launch"),
    SIMCUDA_ERROR(cudaErrorLaunchTimeout, "the launch timed out and was terminated"),
    SIMCUDA_ERROR(cudaErrorPeerAccessAlreadyEnabled, "peer access is already enabled"),
    SIMCUDA_ERROR(cudaErrorPeerAccessNotEnabled, "peer access has not been enabled"),
    SIMCUDA_ERROR(cudaErrorSetOnActiveProcess, "cannot set while device is active in this process"),
    SIMCUDA_ERROR(cudaErrorContextIsDestroyed, "context is destroyed"),
    SIMCUDA_ERROR(cudaErrorAssert, "device-side assert triggered"),
    SIMCUDA_ERROR(cudaErrorTooManyPeers, "peer mapping resources exhausted"),
    SIMCUDA_ERROR(cudaErrorHostMemoryAlreadyRegistered, "part or all of the requested memory range is already mapped"),
    SIMCUDA_ERROR(cudaErrorHostMemoryNotRegistered, "pointer does not correspond to a registered memory region"),
    SIMCUDA_ERROR(cudaErrorHardwareStackError, "hardware stack error"),
    SIMCUDA_ERROR(cudaErrorIllegalInstruction, "an illegal instruction was encountered"),
    SIMCUDA_ERROR(cudaErrorMisalignedAddress, "misaligned address"),
    SIMCUDA_ERROR(cudaErrorInvalidAddressSpace, "operation not supported on global/shared address space"),
    SIMCUDA_ERROR(cudaErrorInvalidPc, "invalid program counter"),
    SIMCUDA_ERROR(cudaErrorLaunchFailure, "unspecified launch failure"),
    SIMCUDA_ERROR(cudaErrorCooperativeLaunchTooLarge, "too many blocks in cooperative launch"),
    SIMCUDA_ERROR(cudaErrorNotPermitted, "operation not permitted"),
    SIMCUDA_ERROR(cudaErrorNotSupported, "operation not supported"),
    SIMCUDA_ERROR(cudaErrorSystemNotReady, "system not yet initialized"),
    SIMCUDA_ERROR(cudaErrorSystemDriverMismatch, "system has unsupported display driver / cuda driver combination"),
    SIMCUDA_ERROR(cudaErrorCompatNotSupportedOnDevice, "forward compatibility was attempted on non supported HW"),
    SIMCUDA_ERROR(cudaErrorMpsConnectionFailed,
                  "MPS client failed to connect to the MPS control daemon or the MPS server"),
    SIMCUDA_ERROR(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing"),
    SIMCUDA_ERROR(cudaErrorUnknown, "unknown error"),
};
#undef SIMCUDA_ERROR

constexpr ErrorText unrecognized{cudaErrorUnknown, "unrecognized error code", "unrecognized error code"};

}  // namespace

const ErrorText& text_of(cudaError_t error) {
    const auto found =
        std::find_if(texts.begin(), texts.end(), [error](const ErrorText& text) { return text.error == error; });
    return found == texts.end() ? unrecognized : *found;
}

}  // namespace simcuda
