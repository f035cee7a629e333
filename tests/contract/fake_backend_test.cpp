#include "contract/backend_contract.hpp"
#include "support/fake_device.hpp"

namespace gpushard::test {
namespace {

const Backend fake{.name = "FakeDevice",
                   .make_device = [](Bytes budget) { return std::make_unique<FakeDevice>("fake:0", budget); },
                   .plan_memory = FakeDevice::planned_memory};

INSTANTIATE_TEST_SUITE_P(Fake, BackendContract, testing::Values(fake), backend_name);

}  // namespace
}  // namespace gpushard::test
