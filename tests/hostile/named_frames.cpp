#include "named_frames.hpp"

#include <cstdlib>
#include <cxxabi.h>
#include <filesystem>
#include <map>
#include <memory>
#include <regex>
#include <vector>

#include "support/child_process.hpp"

namespace gpushard::test {
namespace {

std::string demangled(const std::string& name) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status),
                                                      [](void* memory) { std::free(memory); });
    return status == 0 ? text.get() : name;
}

/// The function at an address of the tool, and those it was inlined into.
const std::string& function_at(const std::string& address) {
    static std::map<std::string, std::string> known;
    const auto [at, is_new] = known.try_emplace(address);
    if (is_new) {
        at->second = run_child({GPUSHARD_ADDR2LINE, "-C", "-f", "-i", "-e", GPUSHARD_PROGRAM, address}).out;
    }
    return at->second;
}

}  // namespace

std::string named_frames(const std::string& frames) {
    static const std::regex frame(R"(([^ ]+)\+(0x[0-9a-f]+)\(([^)]*)\))");
    const std::string program = std::filesystem::path(GPUSHARD_PROGRAM).filename().string();
    std::string named;
    for (std::sregex_iterator at(frames.begin(), frames.end(), frame), end; at != end; ++at) {
        const std::smatch& parts = *at;
        named += parts[1].str() + " ";
        named += parts[1] == program ? function_at(parts[2]) : demangled(parts[3]);
        named += "\n";
    }
    return named;
}

}  // namespace gpushard::test
