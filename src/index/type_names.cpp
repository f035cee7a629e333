#include "index/type_names.hpp"

#include <algorithm>
#include <iterator>

namespace gpushard {
namespace {

struct TypeName {
    std::string_view fourcc;
    std::string_view class_name;
};

// Every type code that Faiss up to 1.15 writes, or still reads from older versions.
constexpr TypeName type_names[] = {
    {"IxFI", "IndexFlatIP"},
    {"IxF2", "IndexFlatL2"},
    {"IxFl", "IndexFlat"},
    {"IxFP", "IndexFlatL2Panorama"},
    {"IxFp", "IndexFlatIPPanorama"},
    {"IxSQ", "IndexScalarQuantizer"},
    {"IxPQ", "IndexPQ"},
    {"IxPo", "IndexPQ"},
    {"IxPq", "IndexPQ"},
    {"IPfs", "IndexPQFastScan"},
    {"IxHE", "IndexLSH"},
    {"IxHe", "IndexLSH"},
    {"IxLa", "IndexLattice"},
    {"IxRQ", "IndexResidualQuantizer"},
    {"IxRq", "IndexResidualQuantizer"},
    {"IxLS", "IndexLocalSearchQuantizer"},
    {"IxPR", "IndexProductResidualQuantizer"},
    {"IxPL", "IndexProductLocalSearchQuantizer"},
    {"ImRQ", "ResidualCoarseQuantizer"},
    {"Imiq", "MultiIndexQuantizer"},
    {"Ix2L", "Index2Layer"},
    {"ILfs", "IndexLocalSearchQuantizerFastScan"},
    {"IRfs", "IndexResidualQuantizerFastScan"},
    {"IPRf", "IndexProductResidualQuantizerFastScan"},
    {"IPLf", "IndexProductLocalSearchQuantizerFastScan"},
    {"IRMf", "IndexRowwiseMinMax"},
    {"IRMh", "IndexRowwiseMinMaxFP16"},
    {"Ixrq", "IndexRaBitQ"},
    {"Ixrr", "IndexRaBitQ"},
    {"Irfs", "IndexRaBitQFastScan"},
    {"Irfn", "IndexRaBitQFastScan"},
    {"IxEd", "IndexEDEN"},
    {"IxEe", "IndexEDEN"},
    {"IwFl", "IndexIVFFlat"},
    {"IvFl", "IndexIVFFlat"},
    {"IvFL", "IndexIVFFlat"},
    {"IwFd", "IndexIVFFlatDedup"},
    {"IwPn", "IndexIVFFlatPanorama"},
    {"IwP2", "IndexIVFFlatPanorama"},
    {"IwPQ", "IndexIVFPQ"},
    {"IvPQ", "IndexIVFPQ"},
    {"IwQR", "IndexIVFPQR"},
    {"IvQR", "IndexIVFPQR"},
    {"IwPf", "IndexIVFPQFastScan"},
    {"IwSq", "IndexIVFScalarQuantizer"},
    {"IwSQ", "IndexIVFScalarQuantizer"},
    {"IvSQ", "IndexIVFScalarQuantizer"},
    {"IwSh", "IndexIVFSpectralHash"},
    {"IwIQ", "IndexIVFIndependentQuantizer"},
    {"IwRQ", "IndexIVFResidualQuantizer"},
    {"IwLS", "IndexIVFLocalSearchQuantizer"},
    {"IwPR", "IndexIVFProductResidualQuantizer"},
    {"IwPL", "IndexIVFProductLocalSearchQuantizer"},
    {"IVRf", "IndexIVFResidualQuantizerFastScan"},
    {"IVLf", "IndexIVFLocalSearchQuantizerFastScan"},
    {"NPRf", "IndexIVFProductResidualQuantizerFastScan"},
    {"NPLf", "IndexIVFProductLocalSearchQuantizerFastScan"},
    {"Iwrq", "IndexIVFRaBitQ"},
    {"Iwrr", "IndexIVFRaBitQ"},
    {"Iwrf", "IndexIVFRaBitQFastScan"},
    {"Iwrn", "IndexIVFRaBitQFastScan"},
    {"IwEd", "IndexIVFEDEN"},
    {"IwEe", "IndexIVFEDEN"},
    {"IH00", "IndexHNSW"},
    {"IHNf", "IndexHNSWFlat"},
    {"IHfP", "IndexHNSWFlatPanorama"},
    {"IHNp", "IndexHNSWPQ"},
    {"IHNs", "IndexHNSWSQ"},
    {"IHN2", "IndexHNSW2Level"},
    {"IHNc", "IndexHNSWCagra"},
    {"IHc2", "IndexHNSWCagra"},
    {"INSf", "IndexNSGFlat"},
    {"INSp", "IndexNSGPQ"},
    {"INSs", "IndexNSGSQ"},
    {"INNf", "IndexNNDescentFlat"},
    {"ISVF", "IndexSVSFlat"},
    {"ISVD", "IndexSVSVamana"},
    {"ISV2", "IndexSVSVamana"},
    {"ILVQ", "IndexSVSVamanaLVQ"},
    {"ISVL", "IndexSVSVamanaLeanVec"},
    {"ISID", "IndexSVSIVF"},
    {"ISIQ", "IndexSVSIVFLVQ"},
    {"ISIL", "IndexSVSIVFLeanVec"},
    {"IxPT", "IndexPreTransform"},
    {"IxRF", "IndexRefine"},
    {"IxRP", "IndexRefinePanorama"},
    {"IxMp", "IndexIDMap"},
    {"IxM2", "IndexIDMap2"},
    {"IBxF", "IndexBinaryFlat"},
    {"IBwF", "IndexBinaryIVF"},
    {"IBFf", "IndexBinaryFromFloat"},
    {"IBHf", "IndexBinaryHNSW"},
    {"IBHc", "IndexBinaryHNSWCagra"},
    {"IBMp", "IndexBinaryIDMap"},
    {"IBM2", "IndexBinaryIDMap2"},
    {"IBHh", "IndexBinaryHash"},
    {"IBHm", "IndexBinaryMultiHash"},
    {"null", "no index"},
};

}  // namespace

std::string_view class_name(std::string_view fourcc) {
    const auto* const found = std::find_if(std::begin(type_names), std::end(type_names),
                                           [&](const TypeName& type) { return type.fourcc == fourcc; });
    return found == std::end(type_names) ? std::string_view{} : found->class_name;
}

}  // namespace gpushard
