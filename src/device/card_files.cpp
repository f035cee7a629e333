#include "device/card_files.hpp"

#include <algorithm>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <unistd.h>

namespace gpushard {
namespace {

namespace fs = std::filesystem;

/// Files of the kernel have no size; those read here have a line or a few.
std::string read_small_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text(4096, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

/// "550.54.15" of "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue ...": the first word that is numbers.
std::string module_version(const std::string& text) {
    if (text.empty()) return {};
    std::istringstream words(text);
    for (std::string word; words >> word;) {
        const bool numbers = word.find_first_not_of("0123456789.") == std::string::npos;
        if (numbers && word.find('.') != std::string::npos) return word;
    }
    return "of unknown version";
}

/// A folder for each card, with a file in which a line says "Model: \t\t NVIDIA A100-SXM4-80GB".
std::vector<std::string> card_models(const fs::path& cards) {
    std::vector<std::string> models;
    std::error_code ignored;
    for (const auto& card : fs::directory_iterator(cards, ignored)) {
        std::istringstream lines(read_small_file(card.path() / "information"));
        constexpr std::string_view key = "Model:";
        for (std::string line; std::getline(lines, line);) {
            const auto begin = line.find_first_not_of(" \t", key.size());
            if (line.rfind(key, 0) == 0 && begin != std::string::npos) models.push_back(line.substr(begin));
        }
    }
    std::sort(models.begin(), models.end());
    return models;
}

int count_cards_on_bus(const fs::path& devices) {
    int cards = 0;
    std::error_code ignored;
    for (const auto& device : fs::directory_iterator(devices, ignored)) {
        const bool nvidia = read_small_file(device.path() / "vendor").rfind("0x10de", 0) == 0;
        const bool display = read_small_file(device.path() / "class").rfind("0x03", 0) == 0;
        cards += nvidia && display ? 1 : 0;
    }
    return cards;
}

/// nvidia0, nvidia1, ..., nvidiactl and nvidia-uvm: what CUDA opens.
bool is_card_file(const std::string& name) {
    if (name.rfind("nvidia", 0) != 0) return false;
    const std::string rest = name.substr(6);
    return rest == "ctl" || rest == "-uvm" || (!rest.empty() && rest.find_first_not_of("0123456789") == rest.npos);
}

void read_device_files(const fs::path& dev, NoCardFacts& facts) {
    std::error_code ignored;
    for (const auto& file : fs::directory_iterator(dev, ignored)) {
        const std::string name = file.path().filename().string();
        if (!is_card_file(name)) continue;
        if (access(file.path().c_str(), R_OK | W_OK) == 0) {
            facts.open_device_files += 1;
        } else {
            facts.closed_device_files.push_back("/dev/" + name);
        }
    }
    std::sort(facts.closed_device_files.begin(), facts.closed_device_files.end());
}

std::optional<std::string> container_kind(const fs::path& root) {
    std::error_code ignored;
    if (fs::exists(root / ".dockerenv", ignored)) return "Docker";
    if (fs::exists(root / "run/.containerenv", ignored)) return "Podman";
    if (fs::exists(root / ".singularity.d", ignored)) return "Apptainer";
    if (fs::exists(root / "var/run/secrets/kubernetes.io", ignored)) return "Kubernetes";
    return std::nullopt;
}

}  // namespace

NoCardFacts read_card_files(const std::string& root) {
    NoCardFacts facts;
    facts.kernel_module_version = module_version(read_small_file(fs::path(root) / "proc/driver/nvidia/version"));
    facts.models = card_models(fs::path(root) / "proc/driver/nvidia/gpus");
    facts.cards_on_pci_bus = count_cards_on_bus(fs::path(root) / "sys/bus/pci/devices");
    read_device_files(fs::path(root) / "dev", facts);
    facts.container = container_kind(root);
    return facts;
}

bool driver_library_loads() {
    void* const library = dlopen("libcuda.so.1", RTLD_LAZY);
    if (library != nullptr) dlclose(library);
    return library != nullptr;
}

std::optional<std::string> environment_value(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace gpushard
