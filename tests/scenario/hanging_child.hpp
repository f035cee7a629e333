#pragma once

#include <functional>
#include <string>
#include <sys/types.h>

#include "support/child_process.hpp"

namespace gpushard::test {

/// A child that hangs for ever in a call: "fsync:2" is the second of that name, "large_pread" those of 32 KiB or more.
/// Then `on_hang` is called, once.
ChildSetup hang_in(const std::string& call, const std::function<void(pid_t child)>& on_hang);

}  // namespace gpushard::test
