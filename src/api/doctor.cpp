#include <algorithm>
#include <utility>

#include <faiss/utils/utils.h>

#include <gpushard/doctor.hpp>
#include <gpushard/index_inspector.hpp>
#include <gpushard/version.hpp>

#include "api/cards.hpp"
#include "device/device_name.hpp"
#include "doctor/checks.hpp"
#include "doctor/host_facts.hpp"
#include "doctor/index_facts.hpp"

namespace gpushard {
namespace {

using doctor::IndexFacts;
using doctor::MachineFacts;

/// The machine as it was examined: the cards that can be used, asked once.
class ExaminedInventory final : public DeviceInventory {
public:
    ExaminedInventory(const GpuFacts& gpu, const HostMemory& memory) : gpu_(gpu), memory_(memory) {}

    std::string default_specification() const override { return system_inventory().default_specification(); }

    std::vector<DeviceInfo> cards() const override {
        std::vector<DeviceInfo> cards;
        for (const CardFacts& card : gpu_.cards) {
            if (doctor::works(card) && !doctor::has_no_code(gpu_, card)) cards.push_back(card.info);
        }
        if (cards.empty()) throw DeviceError("cuda:all", "no card that can be used is visible");
        return cards;
    }

    DeviceInfo host() const override {
        if (!memory_.problem.empty()) throw DeviceError("cpu", "how much memory the host has is unknown");
        DeviceInfo host = system_inventory().host();
        host.total_bytes = memory_.total;
        host.free_bytes = memory_.available;
        return host;
    }

private:
    const GpuFacts& gpu_;
    const HostMemory& memory_;
};

void resolve(const std::string& asked, MachineFacts& facts) {
    const ExaminedInventory inventory(facts.gpu, facts.host.memory);
    const std::string specification = asked.empty() ? inventory.default_specification() : asked;
    facts.cards_wanted = names_cards_here(specification);
    try {
        facts.devices = resolve_devices(specification, inventory);
    } catch (const DeviceError& error) {
        // That there are none at all, and why, is the answer of other checks.
        const bool any_works = std::any_of(facts.gpu.cards.begin(), facts.gpu.cards.end(), doctor::works);
        if (any_works) facts.devices_problem = error.what();
    }
}

IndexFacts examine_index(const DoctorOptions& options) {
    IndexProfile profile;
    std::string problem;
    std::string hint;
    std::vector<std::filesystem::path> files = options.index;
    try {
        profile = inspect_index(options.index, options.part_order);
        // Of one piece that was named, all that were found with it.
        files.assign(profile.files.begin(), profile.files.end());
    } catch (const Error& error) {
        problem = error.what();
        if (!error.hints().empty()) hint = error.hints().front();
    }
    IndexFacts index = doctor::read_index_facts(files);
    index.profile = std::move(profile);
    index.problem = std::move(problem);
    index.hint = std::move(hint);
    return index;
}

/// "OPTIMIZE AVX2 GPU", without the space at its end.
std::string faiss_options() {
    std::string options = faiss::get_compile_options();
    options.erase(options.find_last_not_of(' ') + 1);
    return options;
}

}  // namespace

DoctorReport examine_machine(const DoctorOptions& options) {
    MachineFacts facts;
    facts.faiss_version = faiss_version();
    facts.faiss_options = faiss_options();
    facts.gpu = card_facts(options.root);
    facts.host = doctor::read_host_facts(options.root);
    resolve(options.devices, facts);
    if (!options.index.empty()) facts.index = examine_index(options);
    return doctor::run_checks(facts);
}

}  // namespace gpushard
