#include <cstdlib>
#include <optional>

#include "simcuda/tests/simulated_rig.hpp"

namespace gpushard::test {
namespace {

/// An environment variable for as long as it lives.
class Environment {
public:
    Environment(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;
    ~Environment() { unsetenv(name_); }

private:
    const char* name_;
};

class Devices : public SimulatedRig {
protected:
    static std::optional<int> count() {
        int devices = -1;
        if (cudaGetDeviceCount(&devices) != cudaSuccess) return std::nullopt;
        return devices;
    }
    static int attribute(cudaDeviceAttr attribute, int ordinal) {
        int value = -1;
        EXPECT_EQ(cudaDeviceGetAttribute(&value, attribute, ordinal), cudaSuccess);
        return value;
    }
};

TEST_F(Devices, AreDescribedAsTyped) {
    use("1GiB,24GiB:name=RTX 4090:sm=89:bandwidth=1008GB:pci=0000:65:00.0:numa=1"
        ":uuid=GPU-01234567-89ab-cdef-0123-456789abcdef");
    EXPECT_EQ(count(), 2);
    cudaDeviceProp properties{};
    ASSERT_EQ(cudaGetDeviceProperties(&properties, 1), cudaSuccess);
    EXPECT_STREQ(properties.name, "RTX 4090");
    EXPECT_EQ(properties.totalGlobalMem, 24_GiB);
    EXPECT_EQ(properties.major, 8);
    EXPECT_EQ(properties.minor, 9);
    EXPECT_EQ(properties.pciBusID, 0x65);
    EXPECT_EQ(static_cast<unsigned char>(properties.uuid.bytes[4]), 0x89);
    const double kilohertz = attribute(cudaDevAttrMemoryClockRate, 1);
    const double bits = attribute(cudaDevAttrGlobalMemoryBusWidth, 1);
    EXPECT_NEAR(2 * kilohertz * 1000 * bits / 8, 1008e9, 2e6);
    EXPECT_EQ(attribute(cudaDevAttrHostNumaId, 1), 1);
    char bus_id[32];
    ASSERT_EQ(cudaDeviceGetPCIBusId(bus_id, sizeof bus_id, 1), cudaSuccess);
    EXPECT_STREQ(bus_id, "0000:65:00.0");
    EXPECT_EQ(cudaDeviceGetPCIBusId(bus_id, 5, 1), cudaErrorInvalidValue);
    int ordinal = -1;
    ASSERT_EQ(cudaDeviceGetByPCIBusId(&ordinal, "0000:65:00.0"), cudaSuccess);
    EXPECT_EQ(ordinal, 1);
    EXPECT_EQ(cudaSetDevice(2), cudaErrorInvalidDevice);
    EXPECT_EQ(cudaGetDeviceProperties(&properties, -1), cudaErrorInvalidDevice);
}

TEST_F(Devices, NoneAndNoDriver) {
    use("none");
    int devices = -1;
    EXPECT_EQ(cudaGetDeviceCount(&devices), cudaErrorNoDevice);
    EXPECT_EQ(devices, 0);
    EXPECT_EQ(cudaSetDevice(0), cudaErrorNoDevice);
    EXPECT_EQ(DeviceBuffer(1).error(), cudaErrorNoDevice);
    int version = -1;
    EXPECT_EQ(cudaDriverGetVersion(&version), cudaSuccess);
    EXPECT_GT(version, 0);
    use("nodriver");
    EXPECT_EQ(cudaGetDeviceCount(&devices), cudaErrorInsufficientDriver);
    EXPECT_EQ(cudaDriverGetVersion(&version), cudaSuccess);
    EXPECT_EQ(version, 0);
    EXPECT_EQ(cudaGetLastError(), cudaErrorInsufficientDriver);
}

TEST_F(Devices, VisibleOnesAreRenumbered) {
    const Environment visible("CUDA_VISIBLE_DEVICES", "2,0");
    use("1GiB,2GiB,3GiB");
    EXPECT_EQ(count(), 2);
    EXPECT_EQ(free_bytes_on(0), 3_GiB);
    EXPECT_EQ(free_bytes_on(1), 1_GiB);
    DeviceBuffer buffer(1000, 0);
    EXPECT_EQ(card_bytes(2), 1000U) << "counters name cards by their place in the rig";
    cudaPointerAttributes attributes{};
    ASSERT_EQ(cudaPointerGetAttributes(&attributes, buffer.data()), cudaSuccess);
    EXPECT_EQ(attributes.device, 0);
}

TEST_F(Devices, AnEmptyListHidesAll) {
    const Environment visible("CUDA_VISIBLE_DEVICES", "");
    use("2x1GiB");
    EXPECT_EQ(count(), std::nullopt);
    EXPECT_EQ(cudaGetLastError(), cudaErrorNoDevice);
}

}  // namespace
}  // namespace gpushard::test
