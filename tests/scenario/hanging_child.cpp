#include "hanging_child.hpp"

namespace gpushard::test {

ChildSetup hang_in(const std::string& call, const std::function<void(pid_t child)>& on_hang) {
    ChildSetup setup;
    setup.environment = {"LD_PRELOAD=" GPUSHARD_HANGING_CALL, "HANGING_CALL=" + call};
    setup.on_stderr = [on_hang, called = false](const std::string& err, pid_t child) mutable {
        if (called || err.find("hangs in ") == std::string::npos) return;
        called = true;
        on_hang(child);
    };
    return setup;
}

}  // namespace gpushard::test
