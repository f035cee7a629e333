#include <algorithm>
#include <memory>

#include <gpushard/report.hpp>

#include "cli/index_request.hpp"

namespace gpushard::cli {
namespace {

struct DevicesRequest {
    std::string devices = "any";
    bool measure = false;
    bool known = false;
};

bool has_card(const std::vector<DeviceInfo>& rig) {
    return std::any_of(rig.begin(), rig.end(), [](const DeviceInfo& device) {
        return device.kind == DeviceKind::cuda && !device.planning_only;
    });
}

/// A part of a card that another part pays the context for.
bool is_later_part(const DeviceInfo& device) {
    return device.context_bytes == 0 && device.spec.find('=') != std::string::npos;
}

void measure(std::vector<DeviceInfo>& rig, const CommonOptions& common) {
    for (DeviceInfo& device : rig) {
        if (device.kind != DeviceKind::cuda || device.planning_only || is_later_part(device)) continue;
        device = measure_context(device);
        if (device.context_measured) continue;
        note(common, device.spec + ": its context is not measured: nothing tells what was free before it was made");
    }
}

/// Why `any` found none.
std::string why_no_card() {
    try {
        system_inventory().cards();
    } catch (const DeviceError& error) {
        return error.what();
    }
    return {};
}

ExitCode list_known_cards(const CommonOptions& common) {
    std::vector<DeviceInfo> cards;
    for (const KnownCard& card : known_cards()) cards.push_back(describe(card));
    print(common.json ? to_json(cards) : to_text(cards));
    return exit_ok;
}

ExitCode run_devices(const DevicesRequest& request, const CommonOptions& common) {
    FileRoles files;
    add_rigs(files, request.devices);
    if (request.known) return list_known_cards(common);
    std::vector<DeviceInfo> rig = resolve_devices(request.devices);
    if (request.measure && !has_card(rig)) {
        throw DeviceError(
            request.devices,
            "--measure measures what a CUDA context takes on a card, and there is none among '" + request.devices + "'",
            {}, {{"no_card", why_no_card()}});
    }
    if (request.devices == "any" && !has_card(rig)) note(common, why_no_card());
    if (request.measure) measure(rig, common);
    const DeviceInfo host = system_inventory().host();
    if (common.json) {
        // Beside the rig, so that a plan made from this file uses what a plan made here would use.
        auto json = nlohmann::ordered_json::parse(to_json(rig));
        json["host"] = nlohmann::ordered_json::parse(to_json({host}))["devices"][0];
        print_json(json);
        return exit_ok;
    }
    std::vector<DeviceInfo> shown = rig;
    const bool host_is_there = std::any_of(rig.begin(), rig.end(), [&](const DeviceInfo& device) {
        return device.spec == host.spec && !device.planning_only;
    });
    if (!host_is_there) shown.push_back(host);
    print(to_text(shown));
    return exit_ok;
}

}  // namespace

void add_devices_command(CommandLine& line) {
    const auto request = std::make_shared<DevicesRequest>();
    CLI::App& command =
        line.add_command("devices", "List cards and host with their free memory; with --json, a rig file",
                         [&line, request] { return run_devices(*request, line.common); });
    command.add_option("--devices", request->devices, "List these instead, as for plan")
        ->type_name("SPEC[,SPEC...]")
        ->default_str("any");
    command.add_flag("--known", request->known, "List the known cards, which can be planned for by name")
        ->excludes("--devices");
    command.add_flag("--measure", request->measure, "Measure what a CUDA context takes on each card");
}

}  // namespace gpushard::cli
