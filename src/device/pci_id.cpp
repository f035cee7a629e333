#include "device/pci_id.hpp"

#include <charconv>
#include <vector>

namespace gpushard {

std::optional<std::string> canonical_pci(std::string_view text) {
    std::vector<std::string_view> parts;
    for (std::string_view rest = text;;) {
        const auto end = rest.find_first_of(":.");
        parts.push_back(rest.substr(0, end));
        if (end == std::string_view::npos) break;
        rest.remove_prefix(end + 1);
    }
    if (parts.size() == 3) parts.insert(parts.begin(), "0");
    if (parts.size() != 4 || text.find('.') == std::string_view::npos ||
        text.find('.') != text.size() - parts[3].size() - 1) {
        return std::nullopt;
    }
    std::string canonical;
    static constexpr std::size_t widths[] = {4, 2, 2, 1};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        unsigned value = 0;
        const auto [end, error] = std::from_chars(parts[i].data(), parts[i].data() + parts[i].size(), value, 16);
        if (parts[i].empty() || error != std::errc{} || end != parts[i].data() + parts[i].size()) return std::nullopt;
        static constexpr char digits[] = "0123456789abcdef";
        std::string hex;
        for (; value != 0; value >>= 4) hex.insert(hex.begin(), digits[value & 15]);
        if (hex.size() < widths[i]) hex.insert(0, widths[i] - hex.size(), '0');
        canonical += (i == 0 ? "" : i == 3 ? "." : ":") + hex;
    }
    return canonical;
}

}  // namespace gpushard
