#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include <gpushard/device_info.hpp>

namespace gpushard {
namespace {

constexpr double operator""_GBps(unsigned long long n) { return static_cast<double>(n) * 1e9; }

// bfloat16 came with Ampere.
constexpr bool ampere_or_later = true;
constexpr bool before_ampere = false;
constexpr bool offered = true;

/// Memory as nvidia-smi reports it (a card keeps some of what it is sold with to itself), bandwidth as the vendor's
/// data sheets state it: the fastest version where the same name is sold in several (SXM, PCIe).
std::vector<KnownCard> catalogue() {
    std::vector<KnownCard> cards = {
        {"A2-16GB", 15356_MiB, 200_GBps, ampere_or_later},
        {"A10-24GB", 23028_MiB, 600_GBps, ampere_or_later, offered},
        {"A10G-24GB", 23028_MiB, 600_GBps, ampere_or_later},
        {"A16-16GB", 15356_MiB, 200_GBps, ampere_or_later},
        {"A30-24GB", 24576_MiB, 933_GBps, ampere_or_later},
        {"A40-48GB", 46068_MiB, 696_GBps, ampere_or_later, offered},
        {"A100-40GB", 40960_MiB, 1555_GBps, ampere_or_later, offered},
        {"A100-80GB", 81920_MiB, 2039_GBps, ampere_or_later, offered},
        {"A800-40GB", 40960_MiB, 1555_GBps, ampere_or_later},
        {"A800-80GB", 81920_MiB, 2039_GBps, ampere_or_later},
        {"H100-80GB", 81559_MiB, 3350_GBps, ampere_or_later, offered},
        {"H100-NVL-94GB", 95830_MiB, 3938_GBps, ampere_or_later},
        {"H800-80GB", 81559_MiB, 3350_GBps, ampere_or_later},
        {"H20-96GB", 97871_MiB, 4000_GBps, ampere_or_later},
        {"H20-141GB", 143771_MiB, 4800_GBps, ampere_or_later},
        {"H200-141GB", 143771_MiB, 4800_GBps, ampere_or_later, offered},
        {"GH200-96GB", 97871_MiB, 4000_GBps, ampere_or_later},
        {"GH200-144GB", 146831_MiB, 4900_GBps, ampere_or_later},
        {"B200-180GB", 183359_MiB, 8000_GBps, ampere_or_later, offered},
        {"GB200-186GB", 189471_MiB, 8000_GBps, ampere_or_later},
        {"B300-288GB", 275040_MiB, 8000_GBps, ampere_or_later, offered},
        {"GB300-288GB", 284208_MiB, 8000_GBps, ampere_or_later},
        {"L4-24GB", 23034_MiB, 300_GBps, ampere_or_later, offered},
        {"L20-48GB", 46068_MiB, 864_GBps, ampere_or_later},
        {"L40-48GB", 46068_MiB, 864_GBps, ampere_or_later},
        {"L40S-48GB", 46068_MiB, 864_GBps, ampere_or_later, offered},
        {"T4-16GB", 15360_MiB, 320_GBps, before_ampere, offered},
        {"P4-8GB", 7680_MiB, 192_GBps, before_ampere},
        {"P40-24GB", 23040_MiB, 346_GBps, before_ampere},
        {"P100-16GB", 16384_MiB, 732_GBps, before_ampere},
        {"M40-24GB", 23040_MiB, 288_GBps, before_ampere},
        {"V100-16GB", 16384_MiB, 900_GBps, before_ampere},
        {"V100-32GB", 32768_MiB, 900_GBps, before_ampere, offered},
        {"V100S-32GB", 32768_MiB, 1134_GBps, before_ampere},
        {"RTX-2000-Ada-16GB", 16380_MiB, 224_GBps, ampere_or_later},
        {"RTX-4000-Ada-20GB", 20475_MiB, 360_GBps, ampere_or_later},
        {"RTX-4500-Ada-24GB", 24570_MiB, 432_GBps, ampere_or_later},
        {"RTX-5000-Ada-32GB", 32760_MiB, 576_GBps, ampere_or_later},
        {"RTX-5880-Ada-48GB", 49140_MiB, 960_GBps, ampere_or_later},
        {"RTX-6000-Ada-48GB", 49140_MiB, 960_GBps, ampere_or_later, offered},
        {"RTX-PRO-4000-24GB", 24467_MiB, 672_GBps, ampere_or_later},
        {"RTX-PRO-4500-32GB", 32623_MiB, 896_GBps, ampere_or_later},
        {"RTX-PRO-5000-48GB", 48935_MiB, 1344_GBps, ampere_or_later},
        {"RTX-PRO-6000-96GB", 97887_MiB, 1792_GBps, ampere_or_later, offered},
        {"A2000-12GB", 12282_MiB, 288_GBps, ampere_or_later},
        {"A4000-16GB", 16376_MiB, 448_GBps, ampere_or_later},
        {"A4500-20GB", 20470_MiB, 640_GBps, ampere_or_later},
        {"A5000-24GB", 24564_MiB, 768_GBps, ampere_or_later},
        {"A5500-24GB", 24564_MiB, 768_GBps, ampere_or_later},
        {"A6000-48GB", 49140_MiB, 768_GBps, ampere_or_later},
        {"Quadro-RTX-4000-8GB", 8192_MiB, 416_GBps, before_ampere},
        {"Quadro-RTX-5000-16GB", 16384_MiB, 448_GBps, before_ampere},
        {"Quadro-RTX-6000-24GB", 24576_MiB, 672_GBps, before_ampere},
        {"Quadro-RTX-8000-48GB", 49152_MiB, 672_GBps, before_ampere},
        {"RTX-5050-8GB", 8151_MiB, 320_GBps, ampere_or_later},
        {"RTX-5060-8GB", 8151_MiB, 448_GBps, ampere_or_later},
        {"RTX-5060-Ti-8GB", 8151_MiB, 448_GBps, ampere_or_later},
        {"RTX-5060-Ti-16GB", 16311_MiB, 448_GBps, ampere_or_later},
        {"RTX-5070-12GB", 12227_MiB, 672_GBps, ampere_or_later},
        {"RTX-5070-Ti-16GB", 16303_MiB, 896_GBps, ampere_or_later},
        {"RTX-5080-16GB", 16303_MiB, 960_GBps, ampere_or_later},
        {"RTX-5090-32GB", 32607_MiB, 1792_GBps, ampere_or_later, offered},
        {"RTX-5090-D-32GB", 32607_MiB, 1792_GBps, ampere_or_later},
        {"RTX-4060-8GB", 8188_MiB, 272_GBps, ampere_or_later},
        {"RTX-4060-Ti-8GB", 8188_MiB, 288_GBps, ampere_or_later},
        {"RTX-4060-Ti-16GB", 16380_MiB, 288_GBps, ampere_or_later},
        {"RTX-4070-12GB", 12282_MiB, 504_GBps, ampere_or_later},
        {"RTX-4070-Super-12GB", 12282_MiB, 504_GBps, ampere_or_later},
        {"RTX-4070-Ti-12GB", 12282_MiB, 504_GBps, ampere_or_later},
        {"RTX-4070-Ti-Super-16GB", 16376_MiB, 672_GBps, ampere_or_later},
        {"RTX-4080-16GB", 16376_MiB, 717_GBps, ampere_or_later},
        {"RTX-4080-Super-16GB", 16376_MiB, 736_GBps, ampere_or_later},
        {"RTX-4090-24GB", 24564_MiB, 1008_GBps, ampere_or_later, offered},
        {"RTX-4090-D-24GB", 24564_MiB, 1008_GBps, ampere_or_later},
        {"RTX-3050-8GB", 8192_MiB, 224_GBps, ampere_or_later},
        {"RTX-3060-12GB", 12288_MiB, 360_GBps, ampere_or_later},
        {"RTX-3060-Ti-8GB", 8192_MiB, 448_GBps, ampere_or_later},
        {"RTX-3070-8GB", 8192_MiB, 448_GBps, ampere_or_later},
        {"RTX-3070-Ti-8GB", 8192_MiB, 608_GBps, ampere_or_later},
        {"RTX-3080-10GB", 10240_MiB, 760_GBps, ampere_or_later},
        {"RTX-3080-12GB", 12288_MiB, 912_GBps, ampere_or_later},
        {"RTX-3080-Ti-12GB", 12288_MiB, 912_GBps, ampere_or_later},
        {"RTX-3090-24GB", 24576_MiB, 936_GBps, ampere_or_later, offered},
        {"RTX-3090-Ti-24GB", 24564_MiB, 1008_GBps, ampere_or_later},
        {"RTX-2060-6GB", 6144_MiB, 336_GBps, before_ampere},
        {"RTX-2060-Super-8GB", 8192_MiB, 448_GBps, before_ampere},
        {"RTX-2070-8GB", 8192_MiB, 448_GBps, before_ampere},
        {"RTX-2070-Super-8GB", 8192_MiB, 448_GBps, before_ampere},
        {"RTX-2080-8GB", 8192_MiB, 448_GBps, before_ampere},
        {"RTX-2080-Super-8GB", 8192_MiB, 496_GBps, before_ampere},
        {"RTX-2080-Ti-11GB", 11264_MiB, 616_GBps, before_ampere},
        {"GTX-1650-4GB", 4096_MiB, 128_GBps, before_ampere},
        {"GTX-1660-6GB", 6144_MiB, 192_GBps, before_ampere},
        {"GTX-1660-Super-6GB", 6144_MiB, 336_GBps, before_ampere},
        {"GTX-1660-Ti-6GB", 6144_MiB, 288_GBps, before_ampere},
        {"GTX-1050-Ti-4GB", 4096_MiB, 112_GBps, before_ampere},
        {"GTX-1060-3GB", 3072_MiB, 192_GBps, before_ampere},
        {"GTX-1060-6GB", 6144_MiB, 192_GBps, before_ampere},
        {"GTX-1070-8GB", 8192_MiB, 256_GBps, before_ampere},
        {"GTX-1070-Ti-8GB", 8192_MiB, 256_GBps, before_ampere},
        {"GTX-1080-8GB", 8192_MiB, 320_GBps, before_ampere},
        {"GTX-1080-Ti-11GB", 11178_MiB, 484_GBps, before_ampere},
        {"TITAN-RTX-24GB", 24576_MiB, 672_GBps, before_ampere},
        {"TITAN-V-12GB", 12288_MiB, 653_GBps, before_ampere},
        {"TITAN-Xp-12GB", 12288_MiB, 548_GBps, before_ampere},
        {"TITAN-X-12GB", 12288_MiB, 480_GBps, before_ampere},
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

const std::vector<KnownCard>& offered_cards() {
    static const std::vector<KnownCard> cards = [] {
        std::vector<KnownCard> some;
        std::copy_if(known_cards().begin(), known_cards().end(), std::back_inserter(some),
                     [](const KnownCard& card) { return card.offered; });
        return some;
    }();
    return cards;
}

DeviceInfo describe(const KnownCard& card) {
    DeviceInfo device = describe_card(card.total_bytes, card.name);
    device.bytes_per_second = card.bytes_per_second;
    return device;
}

DeviceInfo describe_card(Bytes total_bytes, std::string spec) {
    DeviceInfo device;
    device.name = spec;
    device.spec = std::move(spec);
    device.kind = DeviceKind::cuda;
    device.total_bytes = total_bytes;
    device.free_bytes = total_bytes;
    device.context_bytes = std::min(assumed_context_bytes, total_bytes);
    device.planning_only = true;
    return device;
}

}  // namespace gpushard
