#pragma once

#include <cstdint>

#include <faiss/Index.h>
#include <faiss/gpu/GpuDistance.h>

#include <gpushard/index_profile.hpp>

/// What differs between the Faiss versions whose GPU code this library drives, in one place (1.7.3 to 1.15).
namespace gpushard::faiss_compat {

/// The largest k that Faiss's selection kernels take without cuVS (gpu/utils/DeviceDefs.cuh, IndexUtils.cu).
inline constexpr std::int64_t most_neighbors = FAISS_VERSION_MAJOR > 1 ||
                                                       (FAISS_VERSION_MAJOR == 1 && FAISS_VERSION_MINOR >= 8)
                                                   ? 2048
                                                   : 2047;

template <typename DataType>
constexpr bool has_bfloat16 = requires {
    DataType::BF16;
};

/// Whether bfKnn of the linked Faiss takes bfloat16.
inline constexpr bool searches_bfloat16 = has_bfloat16<faiss::gpu::DistanceDataType>;

template <typename DataType>
DataType data_type(Precision precision) {
    if constexpr (has_bfloat16<DataType>) {
        if (precision == Precision::bf16) return DataType::BF16;
    }
    return precision == Precision::f32 ? DataType::F32 : DataType::F16;
}

/// Turns off what newer versions would do by themselves: cuVS, whose memory nobody has modelled.
template <typename Params>
void without_cuvs(Params& params) {
    if constexpr (requires { params.use_cuvs; }) params.use_cuvs = false;
}

}  // namespace gpushard::faiss_compat
