#include <cstdlib>
#include <dlfcn.h>
#include <memory>
#include <unistd.h>
#include <vector>

#include "nvml/nvml_abi.hpp"
#include "simcuda/tests/simulated_rig.hpp"

namespace gpushard::test {
namespace {

using nvml::Result;

/// NVML as an inventory reaches it: opened at run time.
class Nvml : public SimulatedRig {
protected:
    void SetUp() override {
        SimulatedRig::SetUp();
        if (HasFatalFailure()) return;
        library_.reset(dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL));
        ASSERT_TRUE(library_) << dlerror();
    }

    template <typename... Arguments>
    Result call(const char* function, Arguments... arguments) const {
        const auto address = reinterpret_cast<Result (*)(Arguments...)>(dlsym(library_.get(), function));
        if (address == nullptr) {
            ADD_FAILURE() << function;
            return nvml::unknown;
        }
        return address(arguments...);
    }
    nvml::Device* device(unsigned index) const {
        nvml::Device* handle = nullptr;
        EXPECT_EQ(call("nvmlDeviceGetHandleByIndex_v2", index, &handle), nvml::success);
        return handle;
    }
    nvml::Memory memory(unsigned index) const {
        nvml::Memory memory{};
        EXPECT_EQ(call("nvmlDeviceGetMemoryInfo", device(index), &memory), nvml::success);
        return memory;
    }
    std::string name(nvml::Device* handle) const {
        char text[96] = "";
        EXPECT_EQ(call("nvmlDeviceGetName", handle, static_cast<char*>(text), 96U), nvml::success);
        return text;
    }

private:
    struct Close {
        void operator()(void* library) const { dlclose(library); }
    };
    std::unique_ptr<void, Close> library_;
};

TEST_F(Nvml, ShowsAllCardsByPciAddressWhateverIsVisible) {
    setenv("CUDA_VISIBLE_DEVICES", "0", 1);
    use("1GiB:name=typed first:pci=0000:09:00.0,1GiB:name=typed second:pci=0000:08:00.0");
    unsetenv("CUDA_VISIBLE_DEVICES");
    ASSERT_EQ(call("nvmlInit_v2"), nvml::success);
    unsigned count = 0;
    ASSERT_EQ(call("nvmlDeviceGetCount_v2", &count), nvml::success);
    EXPECT_EQ(count, 2U);
    EXPECT_EQ(name(device(0)), "typed second");
    nvml::Device* handle = nullptr;
    ASSERT_EQ(call("nvmlDeviceGetHandleByPciBusId_v2", "00000000:09:00.0", &handle), nvml::success);
    EXPECT_EQ(name(handle), "typed first");
    nvml::PciInfo pci{};
    ASSERT_EQ(call("nvmlDeviceGetPciInfo_v3", handle, &pci), nvml::success);
    EXPECT_STREQ(pci.bus_id, "00000000:09:00.0");
    char uuid[80] = "";
    ASSERT_EQ(call("nvmlDeviceGetUUID", handle, static_cast<char*>(uuid), 80U), nvml::success);
    nvml::Device* same = nullptr;
    ASSERT_EQ(call("nvmlDeviceGetHandleByUUID", static_cast<const char*>(uuid), &same), nvml::success);
    EXPECT_EQ(same, handle);
    EXPECT_EQ(call("nvmlDeviceGetUUID", handle, static_cast<char*>(uuid), 10U), nvml::insufficient_size);
    EXPECT_EQ(call("nvmlDeviceGetHandleByUUID", "GPU-none", &same), nvml::not_found);
    EXPECT_EQ(call("nvmlDeviceGetHandleByIndex_v2", 2U, &same), nvml::invalid_argument);
    EXPECT_EQ(call("nvmlShutdown"), nvml::success);
    EXPECT_EQ(call("nvmlDeviceGetCount_v2", &count), nvml::uninitialized);
}

TEST_F(Nvml, TellsWhatIsFreeAndWhoHoldsTheRestWithoutAContext) {
    use("1GiB:used=300MiB:context=100MiB");
    ASSERT_EQ(call("nvmlInit_v2"), nvml::success);
    EXPECT_EQ(memory(0).free, 724_MiB);
    EXPECT_EQ(card_context_bytes(0), 0U);
    DeviceBuffer buffer(200_MiB);
    EXPECT_EQ(memory(0).free, 424_MiB);
    EXPECT_EQ(memory(0).used, 600_MiB);

    unsigned count = 0;
    EXPECT_EQ(
        call("nvmlDeviceGetComputeRunningProcesses_v3", device(0), &count, static_cast<nvml::ProcessInfo*>(nullptr)),
        nvml::insufficient_size);
    ASSERT_EQ(count, 2U);
    std::vector<nvml::ProcessInfo> processes(count);
    ASSERT_EQ(call("nvmlDeviceGetComputeRunningProcesses_v3", device(0), &count, processes.data()), nvml::success);
    EXPECT_EQ(processes[0].used_bytes, 300_MiB);
    EXPECT_EQ(processes[1].used_bytes, 300_MiB) << "allocated, and the context";
    EXPECT_EQ(processes[1].pid, static_cast<unsigned>(getpid()));
    char process_name[64] = "";
    ASSERT_EQ(call("nvmlSystemGetProcessName", processes[0].pid, static_cast<char*>(process_name), 64U), nvml::success);
    EXPECT_STREQ(process_name, "simulated-neighbour");
    EXPECT_EQ(call("nvmlShutdown"), nvml::success);
}

TEST_F(Nvml, TellsWhichCardsAreCutIntoInstances) {
    use("1GiB:mig=yes,1GiB");
    ASSERT_EQ(call("nvmlInit_v2"), nvml::success);
    unsigned current = 0;
    unsigned pending = 0;
    EXPECT_EQ(call("nvmlDeviceGetMigMode", device(0), &current, &pending), nvml::success);
    EXPECT_EQ(current, 1U);
    EXPECT_EQ(call("nvmlDeviceGetMigMode", device(1), &current, &pending), nvml::not_supported);
    EXPECT_EQ(call("nvmlShutdown"), nvml::success);
}

TEST_F(Nvml, TellsOfTheHealthThatWasTyped) {
    use("1GiB:ecc=3:remap=failed:persistence=no,1GiB:retire=pending:mig=pending,1GiB:ecc=none,1GiB:ecc=off,1GiB");
    ASSERT_EQ(call("nvmlInit_v2"), nvml::success);
    const auto errors = [&](unsigned index, int type) {
        unsigned long long count = 77;
        const Result result = call("nvmlDeviceGetTotalEccErrors", device(index), type, 0, &count);
        return std::make_pair(result, count);
    };
    EXPECT_EQ(errors(0, 1), std::make_pair(nvml::success, 3ULL));
    EXPECT_EQ(errors(0, 0), std::make_pair(nvml::success, 0ULL)) << "those that were corrected";
    EXPECT_EQ(errors(4, 1), std::make_pair(nvml::success, 0ULL));
    EXPECT_EQ(errors(2, 1).first, nvml::not_supported);
    EXPECT_EQ(errors(3, 1).first, nvml::not_supported);
    unsigned current = 7;
    unsigned pending = 7;
    EXPECT_EQ(call("nvmlDeviceGetEccMode", device(3), &current, &pending), nvml::success);
    EXPECT_EQ(current, 0U);
    EXPECT_EQ(call("nvmlDeviceGetEccMode", device(2), &current, &pending), nvml::not_supported);
    EXPECT_EQ(call("nvmlDeviceGetMigMode", device(1), &current, &pending), nvml::success);
    EXPECT_EQ(std::make_pair(current, pending), std::make_pair(0U, 1U));
    EXPECT_EQ(call("nvmlDeviceGetPersistenceMode", device(0), &current), nvml::success);
    EXPECT_EQ(current, 0U);
    EXPECT_EQ(call("nvmlDeviceGetPersistenceMode", device(1), &current), nvml::success);
    EXPECT_EQ(current, 1U);
    unsigned rows[4] = {};
    EXPECT_EQ(call("nvmlDeviceGetRemappedRows", device(0), &rows[0], &rows[1], &rows[2], &rows[3]), nvml::success);
    EXPECT_EQ(std::make_pair(rows[2], rows[3]), std::make_pair(0U, 1U));
    EXPECT_EQ(call("nvmlDeviceGetRetiredPagesPendingStatus", device(1), &pending), nvml::success);
    EXPECT_EQ(pending, 1U);
    unsigned pages = 0;
    auto* const nowhere = static_cast<unsigned long long*>(nullptr);
    EXPECT_EQ(call("nvmlDeviceGetRetiredPages", device(1), 1, &pages, nowhere), nvml::insufficient_size);
    EXPECT_EQ(pages, 1U);
    EXPECT_EQ(call("nvmlShutdown"), nvml::success);
}

TEST_F(Nvml, NoticesALostCard) {
    ASSERT_EQ(call("nvmlInit_v2"), nvml::success);
    {
        const CardFaults faults("lose@1:cudaMalloc:1");
        EXPECT_EQ(DeviceBuffer(1000, 1).error(), cudaErrorLaunchFailure);
    }
    nvml::Memory memory{};
    EXPECT_EQ(call("nvmlDeviceGetMemoryInfo", device(1), &memory), nvml::gpu_is_lost);
    EXPECT_EQ(call("nvmlShutdown"), nvml::success);
}

TEST_F(Nvml, WithoutADriverThereIsNothing) {
    use("nodriver");
    EXPECT_EQ(call("nvmlInit_v2"), nvml::driver_not_loaded);
    use("none");
    ASSERT_EQ(call("nvmlInit_v2"), nvml::success);
    unsigned count = 1;
    EXPECT_EQ(call("nvmlDeviceGetCount_v2", &count), nvml::success);
    EXPECT_EQ(count, 0U);
    EXPECT_EQ(call("nvmlShutdown"), nvml::success);
}

}  // namespace
}  // namespace gpushard::test
