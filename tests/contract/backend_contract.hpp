#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include <gpushard/backend.hpp>

namespace gpushard::test {

/// A kind of device under the contract. backend_contract.cpp has the tests; a file of its own instantiates them:
///     INSTANTIATE_TEST_SUITE_P(Cpu, BackendContract, testing::Values(Backend{...}), backend_name);
struct Backend {
    std::string name;
    std::function<std::unique_ptr<Device>(Bytes budget)> make_device;
    /// What the plan of such a device grants a shard with this spec (all but `memory` is set).
    std::function<ShardMemory(const ShardSpec&)> plan_memory;
    /// Whether answers can be checked: not on simulated cards whose kernels only count.
    std::function<bool()> computes = [] { return true; };
    /// What this machine lacks for such a device; empty where it lacks nothing.
    std::function<std::string()> missing = [] { return std::string(); };
};

inline std::ostream& operator<<(std::ostream& out, const Backend& backend) { return out << backend.name; }
inline std::string backend_name(const testing::TestParamInfo<Backend>& instance) { return instance.param.name; }

/// What every device and its shards must do, whatever they are made of.
class BackendContract : public testing::TestWithParam<Backend> {
protected:
    void SetUp() override {
        const std::string missing = GetParam().missing();
        if (!missing.empty()) GTEST_SKIP() << missing;
    }
};

}  // namespace gpushard::test
