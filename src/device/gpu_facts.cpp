#include "device/gpu_facts.hpp"

#include "device/card_files.hpp"
#include "device/management_library.hpp"
#include "device/process_names.hpp"

namespace gpushard {
namespace {

CardFacts facts_of(const ManagementLibrary& library, const InstalledCard& installed) {
    CardFacts card;
    card.driver_index = installed.index;
    card.info.kind = DeviceKind::cuda;
    card.info.name = installed.name;
    card.info.uuid = installed.uuid;
    card.info.pci = installed.pci;
    if (installed.handle == nullptr) {
        card.failure = installed.lost ? "the driver says that the card is lost" : "the driver cannot reach the card";
        return card;
    }
    if (const auto memory = library.memory(installed.handle)) {
        card.info.total_bytes = memory->total;
        card.info.free_bytes = memory->free;
    }
    card.info.holders = library.holders(installed.handle);
    const ProcessNames names;
    for (MemoryHolder& holder : card.info.holders) holder.name = names.name_of(holder.pid);
    card.health = library.health(installed.handle);
    return card;
}

}  // namespace

GpuFacts read_gpu_facts(const std::filesystem::path& root) {
    GpuFacts facts;
    facts.machine = read_card_files(root.string());
    facts.machine.driver_library_loads = driver_library_loads();
    facts.machine.visible_devices = environment_value("CUDA_VISIBLE_DEVICES");
    facts.driver_name = facts.machine.kernel_module_version;
    const ManagementLibrary* const library = ManagementLibrary::find();
    if (library == nullptr) return facts;
    facts.management_library = true;
    if (const std::string version = library->driver_version(); !version.empty()) facts.driver_name = version;
    facts.machine.cards = library->card_uuids();
    for (const InstalledCard& installed : library->installed_cards())
        facts.cards.push_back(facts_of(*library, installed));
    return facts;
}

}  // namespace gpushard
