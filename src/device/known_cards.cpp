#include <algorithm>
#include <tuple>

#include <gpushard/device_info.hpp>

namespace gpushard {
namespace {

constexpr double operator""_GBps(unsigned long long n) { return static_cast<double>(n) * 1e9; }

/// Memory as nvidia-smi reports it (a card keeps some of what it is sold with to itself), bandwidth as the vendor
/// states it. The last member: bfloat16, which came with Ampere.
std::vector<KnownCard> catalogue() {
    std::vector<KnownCard> cards = {
        {"A2-16GB", 15356_MiB, 200_GBps, true},           {"A10-24GB", 23028_MiB, 600_GBps, true},
        {"A30-24GB", 24576_MiB, 933_GBps, true},          {"A40-48GB", 46068_MiB, 696_GBps, true},
        {"A100-40GB", 40960_MiB, 1555_GBps, true},        {"A100-80GB", 81920_MiB, 2039_GBps, true},
        {"B200-180GB", 183359_MiB, 8000_GBps, true},      {"GTX-1080-Ti-11GB", 11178_MiB, 484_GBps, false},
        {"H100-80GB", 81559_MiB, 3350_GBps, true},        {"H200-141GB", 143771_MiB, 4800_GBps, true},
        {"L4-24GB", 23034_MiB, 300_GBps, true},           {"L40S-48GB", 46068_MiB, 864_GBps, true},
        {"P100-16GB", 16384_MiB, 732_GBps, false},        {"RTX-2080-Ti-11GB", 11264_MiB, 616_GBps, false},
        {"RTX-3060-12GB", 12288_MiB, 360_GBps, true},     {"RTX-3080-10GB", 10240_MiB, 760_GBps, true},
        {"RTX-3090-24GB", 24576_MiB, 936_GBps, true},     {"RTX-4080-16GB", 16376_MiB, 717_GBps, true},
        {"RTX-4090-24GB", 24564_MiB, 1008_GBps, true},    {"RTX-5090-32GB", 32607_MiB, 1792_GBps, true},
        {"RTX-6000-Ada-48GB", 49140_MiB, 960_GBps, true}, {"A6000-48GB", 49140_MiB, 768_GBps, true},
        {"T4-16GB", 15360_MiB, 320_GBps, false},          {"V100-16GB", 16384_MiB, 900_GBps, false},
        {"V100-32GB", 32768_MiB, 900_GBps, false},
    };
    std::sort(cards.begin(), cards.end(), [](const KnownCard& a, const KnownCard& b) {
        return std::tie(a.total_bytes, a.name) < std::tie(b.total_bytes, b.name);
    });
    return cards;
}

}  // namespace

const std::vector<KnownCard>& known_cards() {
    static const std::vector<KnownCard> cards = catalogue();
    return cards;
}

DeviceInfo describe(const KnownCard& card) {
    DeviceInfo device;
    device.spec = card.name;
    device.name = card.name;
    device.kind = DeviceKind::cuda;
    device.total_bytes = card.total_bytes;
    device.free_bytes = card.total_bytes;
    device.context_bytes = assumed_context_bytes;
    device.bytes_per_second = card.bytes_per_second;
    device.planning_only = true;
    return device;
}

}  // namespace gpushard
