#include "device/other_accelerators.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <set>

#include "device/device_spec.hpp"

namespace gpushard {
namespace {

constexpr std::string_view amd = "a card of AMD, not a CUDA card";
constexpr std::string_view intel = "a processor of Intel, not a CUDA card";
constexpr std::string_view google = "a processor of Google, not a CUDA card";
constexpr std::string_view apple = "Apple's graphics, not a CUDA card";
constexpr std::string_view huawei = "a processor of Huawei, not a CUDA card";
constexpr std::string_view aws = "a processor of AWS, not a CUDA card";
constexpr std::string_view other = "not a CUDA card";
constexpr std::string_view too_old = "a card of a generation that CUDA 12 does not run on";
constexpr std::string_view shared = "a module whose memory is that of the host";

struct Known {
    std::string_view word;  ///< in lower case
    std::string_view what;
    Bytes memory;
};

/// Words of a name, and what the name with such a word means. Memory as the vendors' data sheets state it.
constexpr Known known_words[] = {
    {"amd", amd, 0},
    {"rocm", amd, 0},
    {"hip", amd, 0},
    {"radeon", amd, 0},
    {"instinct", amd, 0},
    {"mi50", amd, 16_GiB},
    {"mi60", amd, 32_GiB},
    {"mi100", amd, 32_GiB},
    {"mi210", amd, 64_GiB},
    {"mi250", amd, 128_GiB},
    {"mi250x", amd, 128_GiB},
    {"mi300a", amd, 128_GiB},
    {"mi300", amd, 192_GiB},
    {"mi300x", amd, 192_GiB},
    {"mi308x", amd, 192_GiB},
    {"mi325", amd, 256_GiB},
    {"mi325x", amd, 256_GiB},
    {"mi350x", amd, 288_GiB},
    {"mi355x", amd, 288_GiB},
    {"w7900", amd, 48_GiB},
    {"w6800", amd, 32_GiB},
    {"7900xtx", amd, 24_GiB},
    {"7900xt", amd, 20_GiB},
    {"rx7900xtx", amd, 24_GiB},
    {"9070xt", amd, 16_GiB},
    {"rx9070xt", amd, 16_GiB},
    {"rx", amd, 0},
    {"intel", intel, 0},
    {"xpu", intel, 0},
    {"sycl", intel, 0},
    {"arc", intel, 0},
    {"gaudi", intel, 0},
    {"gaudi2", intel, 96_GiB},
    {"gaudi3", intel, 128_GiB},
    {"hpu", intel, 0},
    {"max1100", intel, 48_GiB},
    {"max1550", intel, 128_GiB},
    {"a770", intel, 16_GiB},
    {"b580", intel, 12_GiB},
    {"b60", intel, 24_GiB},
    {"tpu", google, 0},
    {"v5e", google, 16_GiB},
    {"v5p", google, 95_GiB},
    {"v6e", google, 32_GiB},
    {"mps", apple, 0},
    {"metal", apple, 0},
    {"apple", apple, 0},
    {"m1", apple, 0},
    {"m2", apple, 0},
    {"m3", apple, 0},
    {"m4", apple, 0},
    {"npu", huawei, 0},
    {"ascend", huawei, 0},
    {"910a", huawei, 32_GiB},
    {"910b", huawei, 64_GiB},
    {"910c", huawei, 128_GiB},
    {"trainium", aws, 0},
    {"trn1", aws, 0},
    {"trn2", aws, 0},
    {"inferentia", aws, 0},
    {"neuron", aws, 0},
    {"vulkan", other, 0},
    {"opencl", other, 0},
    {"directml", other, 0},
    {"dml", other, 0},
    {"mlu", other, 0},
    {"musa", other, 0},
    {"ipu", other, 0},
    {"k80", too_old, 12_GiB},
    {"k40", too_old, 12_GiB},
    {"k40m", too_old, 12_GiB},
    {"k20", too_old, 5_GiB},
    {"jetson", shared, 0},
    {"orin", shared, 0},
    {"xavier", shared, 0},
    {"thor", shared, 0},
    {"gb10", shared, 0},
    {"spark", shared, 0},
};

std::set<std::string> words_of(std::string_view name) {
    std::set<std::string> words;
    std::string word;
    std::string all;
    for (const unsigned char c : name) {
        if (std::isalnum(c) != 0) {
            word += static_cast<char>(std::tolower(c));
            all += word.back();
        } else {
            words.insert(std::move(word));
            word.clear();
        }
    }
    words.insert(std::move(word));
    words.insert(std::move(all));  // "MI 300X" is an MI300X
    return words;
}

/// "xpu" of "xpu:0" and "tpu" of "tpuv5", never "hip" of "chip": a word, with or without a number behind it.
bool has_word(const std::set<std::string>& words, std::string_view wanted) {
    return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
        if (word == wanted) return true;
        const bool is_word = std::isdigit(static_cast<unsigned char>(wanted.back())) == 0 && wanted.size() > 2;
        return is_word && word.starts_with(wanted) && all_digits(std::string_view(word).substr(wanted.size()));
    });
}

/// "1g.10gb": a slice of a card that is cut into MIG instances.
std::optional<OtherAccelerator> mig_slice(std::string_view name) {
    const std::string text = compact_lower(name);
    const auto dot = text.find("g.");
    if (dot == std::string::npos || dot == 0 || !text.ends_with("gb")) return std::nullopt;
    const auto begin = text.find_last_not_of("0123456789", dot - 1);
    const std::string slices = text.substr(begin == std::string::npos ? 0 : begin + 1, dot - (begin + 1));
    const std::string memory = text.substr(dot + 2, text.size() - dot - 4);
    if (!all_digits(slices) || !all_digits(memory) || memory.size() > 3) return std::nullopt;
    return OtherAccelerator{"a slice of a card, which is named by the UUID of its MIG device (nvidia-smi -L)",
                            std::stoul(memory) * 1_GiB};
}

}  // namespace

std::optional<OtherAccelerator> find_other_accelerator(std::string_view name) {
    if (auto slice = mig_slice(name)) return slice;
    const std::set<std::string> words = words_of(name);
    const Known* best = nullptr;
    for (const Known& known : known_words) {
        if (!has_word(words, known.word)) continue;
        if (best == nullptr || known.memory > best->memory) best = &known;
    }
    if (best == nullptr) return std::nullopt;
    return OtherAccelerator{std::string(best->what), best->memory, best->what != too_old};
}

}  // namespace gpushard
