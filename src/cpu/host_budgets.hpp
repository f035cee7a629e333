#pragma once

#include <memory>
#include <string>

#include <gpushard/bytes.hpp>
#include <gpushard/device_info.hpp>

#include "shard/device_budget.hpp"

/// Budgets of the host that this process has given names: `cpu=2GiB` is the same 2 GiB in every load, and `cpu=2GiB*4`
/// are four of them, told apart by their order. Thread-safe.
namespace gpushard {

/// Whether it is a part of the host with such a budget: "cpu=2GiB".
bool has_host_budget(const DeviceInfo& device);

/// The `number`-th budget, from 0, of the specification `spec`; made when it is first asked for, gone with the last
/// that holds it.
std::shared_ptr<DeviceBudget> host_budget(const std::string& spec, int number, Bytes bytes);

/// What the shards on that budget were granted.
Bytes held_of_host_budget(const std::string& spec, int number);

}  // namespace gpushard
