#include "device/process_names.hpp"

#include <fstream>
#include <system_error>

namespace gpushard {
namespace {

/// The process namespace that Linux starts with has this fixed name.
constexpr const char* first_namespace = "pid:[4026531836]";

}  // namespace

ProcessNames::ProcessNames(std::filesystem::path root) : root_(std::move(root)) {
    std::error_code ignored;
    sees_machine_ = std::filesystem::read_symlink(root_ / "proc/self/ns/pid", ignored) == first_namespace;
}

std::string ProcessNames::name_of(std::int64_t pid) const {
    if (!sees_machine_) return {};
    std::ifstream file(root_ / "proc" / std::to_string(pid) / "comm");
    std::string name;
    std::getline(file, name);
    return name;
}

}  // namespace gpushard
