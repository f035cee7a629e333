#include <fmt/core.h>

#include <gpushard/report.hpp>

#include "report/json_values.hpp"
#include "report/text_table.hpp"

namespace gpushard {

std::string to_text(const std::vector<DeviceInfo>& rig) {
    TextTable table({{"device", Align::left},
                     {"name", Align::left},
                     {"total"},
                     {"free"},
                     {"in use"},
                     {"context"},
                     {"bandwidth"},
                     {"", Align::left}});
    for (const DeviceInfo& device : rig) {
        const Bytes used = device.total_bytes > device.free_bytes ? device.total_bytes - device.free_bytes : 0;
        std::string remark = device.pci;
        if (device.planning_only) remark += remark.empty() ? "planning only" : ", planning only";
        table.add({shorten(single_line(device.spec), 28), shorten(single_line(device.name), 24),
                   format_bytes(device.total_bytes), format_bytes(device.free_bytes), format_bytes(used),
                   format_bytes(device.context_bytes), fmt::format("{:.0f} GB/s", device.bytes_per_second / 1e9),
                   single_line(remark)});
    }
    return table.render();
}

std::string to_json(const std::vector<DeviceInfo>& rig) {
    Json json = json_header();
    Json devices = Json::array();
    for (const DeviceInfo& device : rig) devices.push_back(json_value(device));
    json["devices"] = std::move(devices);
    return dump(json);
}

}  // namespace gpushard
