#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gpushard/bytes.hpp>
#include <gpushard/device_info.hpp>
#include <gpushard/index_profile.hpp>

#include "device/gpu_facts.hpp"
#include "device/host_memory_probe.hpp"

/// What the checks of the doctor judge. Plain values, gathered elsewhere, so that each check can be tried on any
/// machine.
namespace gpushard::doctor {

enum class BlasKind { unknown, reference, openblas, mkl, blis, atlas, other };

/// The library that answers sgemm in this process.
struct BlasFacts {
    BlasKind kind = BlasKind::unknown;
    std::string file;  ///< empty where it is not known
    enum class Threads { unknown, none, own, openmp };
    Threads threads = Threads::unknown;  ///< what it spreads its work with
};

struct HostFacts {
    HostMemory memory;
    std::optional<int> overcommit_mode;          ///< /proc/sys/vm/overcommit_memory
    Bytes commit_limit = 0;                      ///< of mode 2
    Bytes committed = 0;                         ///< what counts against it
    std::optional<Bytes> locked_limit;           ///< RLIMIT_MEMLOCK; nothing: none
    std::optional<Bytes> address_limit;          ///< RLIMIT_AS; nothing: none
    int processors = 0;                          ///< online
    int usable_processors = 0;                   ///< that this process may run on
    std::optional<double> processor_quota;       ///< of its control groups, in processors; nothing: none
    int openmp_threads = 0;                      ///< that a parallel region would have
    std::optional<std::string> omp_num_threads;  ///< of the environment
    std::optional<std::string> omp_wait_policy;
    BlasFacts blas;
};

struct IndexFacts {
    std::string name;
    std::string problem;      ///< why it cannot be read as an index; empty where it can
    std::string hint;         ///< what to try then
    IndexProfile profile;     ///< where it can be read
    std::string file_system;  ///< "nfs", "ext4", ...; empty where it is not known
    enum class Place { local, network, memory, unknown };
    Place place = Place::unknown;
    Bytes bytes = 0;
    Bytes stored_bytes = 0;        ///< that have blocks on the file system
    std::optional<double> cached;  ///< part of it in the page cache, from samples
};

struct MachineFacts {
    std::string faiss_version;
    std::string faiss_options;  ///< what it was compiled with: "OPTIMIZE AVX2 GPU NVIDIA_CUVS"
    GpuFacts gpu;
    HostFacts host;
    std::optional<IndexFacts> index;
    bool cards_wanted = false;        ///< the devices asked for are cards
    std::vector<DeviceInfo> devices;  ///< those asked for; without cards that cannot be used
    std::string devices_problem;      ///< why they cannot be had; empty where they can
};

}  // namespace gpushard::doctor
