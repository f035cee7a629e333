#include <algorithm>
#include <cstdint>

#include "core/memory_holders.hpp"
#include "device/no_cards.hpp"
#include "doctor/checks.hpp"

namespace gpushard::doctor {
namespace {

using Cards = std::vector<const CardFacts*>;

/// What a card has to have free before a shard of any size fits: its context, and the reserve of a plan.
constexpr Bytes least_useful = assumed_context_bytes + 256_MiB;

Cards working(const MachineFacts& facts) { return cards_where(facts, works); }

bool any_card(const MachineFacts& facts) { return !facts.gpu.cards.empty(); }

/// Cards of which the management library tells.
bool health_is_told(const CardFacts& card) { return card.failure.empty() && card.driver_index >= 0; }

Answer needs_management_library(const std::string& what) {
    return unknown(what, "only the driver's management library tells, and it does not answer",
                   "install libnvidia-ml.so.1 with the driver; in a container, ask for the capability 'utility'");
}

/// Why CUDA does not show cards that the driver knows.
std::string why_hidden(const MachineFacts& facts) {
    const NoCardFacts& machine = facts.gpu.machine;
    if (machine.visible_devices) {
        const std::string value = "CUDA_VISIBLE_DEVICES=" + *machine.visible_devices;
        const auto problem = explain_visible_devices(*machine.visible_devices, machine.cards);
        return problem ? value + " " + *problem : value + " does not name them";
    }
    if (!facts.gpu.compiled_in) return "this build does not ask CUDA";
    if (machine.container) return "this container (" + *machine.container + ") was given a part of the cards";
    return "the driver knows them, CUDA does not show them";
}

bool value_is_wrong(const MachineFacts& facts) {
    const NoCardFacts& machine = facts.gpu.machine;
    return machine.visible_devices && explain_visible_devices(*machine.visible_devices, machine.cards).has_value();
}

/// Cards on the PCI bus that the driver does not know: given to another driver, or to another container.
std::size_t unknown_to_driver(const MachineFacts& facts) {
    const auto on_bus = static_cast<std::size_t>(std::max(0, facts.gpu.machine.cards_on_pci_bus));
    const std::size_t known = facts.gpu.cards.size();
    return facts.gpu.management_library && on_bus > known ? on_bus - known : 0;
}

Answer no_visible_card(const MachineFacts& facts) {
    if (!facts.gpu.compiled_in) return std::nullopt;  // check_gpu_support says so.
    const bool has_driver = facts.gpu.management_library || facts.gpu.machine.driver_library_loads;
    if (!has_driver && !any_card(facts)) return std::nullopt;  // check_driver says so.
    const NoCardReason reason = explain_no_cards(facts.gpu.machine);
    const std::string found = "none of " + count_of(facts.gpu.cards.size(), "card") + " is visible: " + reason.what;
    const std::string remedy = reason.hints.empty() ? "nvidia-smi says what the driver sees" : reason.hints.front();
    if (!facts.cards_wanted) return warning(found, "no card can be used", remedy);
    return failure(ErrorKind::device, found, "no card can be used", remedy);
}

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
    return text;
}

template <typename Number, typename Say>
std::string each(const Cards& cards, Number number, Say say) {
    std::vector<std::string> parts;
    for (const CardFacts* card : cards) parts.push_back(long_name_of(*card) + " " + say(number(*card)));
    return joined(parts);
}

std::int64_t size_number(Bytes bytes) { return static_cast<std::int64_t>(std::min<Bytes>(bytes, INT64_MAX)); }

}  // namespace

Answer check_visible_cards(const MachineFacts& facts) {
    const Cards visible = cards_where(facts, [](const CardFacts& card) { return card.visible; });
    const Cards hidden = cards_where(facts, [](const CardFacts& card) { return !card.visible; });
    if (visible.empty()) return no_visible_card(facts);
    const std::vector<ErrorField> numbers = {{"visible", static_cast<std::int64_t>(visible.size())},
                                             {"installed", static_cast<std::int64_t>(facts.gpu.cards.size())},
                                             {"on_pci_bus", std::int64_t{facts.gpu.machine.cards_on_pci_bus}}};
    const std::string found =
        std::to_string(visible.size()) + " of " + count_of(facts.gpu.cards.size(), "card") + " visible";
    if (value_is_wrong(facts)) {
        return about(hidden,
                     failure(ErrorKind::device, found + (hidden.empty() ? "" : "; hidden: " + list_cards(hidden)),
                             why_hidden(facts), "unset CUDA_VISIBLE_DEVICES, or name cards as nvidia-smi -L lists them",
                             numbers));
    }
    if (!hidden.empty()) {
        return about(hidden,
                     warning(found + "; hidden: " + list_cards(hidden), why_hidden(facts),
                             facts.gpu.machine.visible_devices ? "unset CUDA_VISIBLE_DEVICES to use them too"
                                                               : "give the process all cards: docker run --gpus all",
                             numbers));
    }
    if (const std::size_t more = unknown_to_driver(facts); more > 0) {
        return warning(
            found + ", and " + count_of(more, "further card") + " on the PCI bus",
            "the driver here does not know them: they belong to another container, a virtual machine, or none",
            "give the process all cards (docker run --gpus all), or see why the driver left them: dmesg", numbers);
    }
    return ok(found, numbers);
}

Answer check_device_files(const MachineFacts& facts) {
    const NoCardFacts& machine = facts.gpu.machine;
    if (machine.closed_device_files.empty()) {
        if (machine.open_device_files == 0) return std::nullopt;
        return ok(count_of(static_cast<std::size_t>(machine.open_device_files), "device file") + " may be opened");
    }
    return failure(ErrorKind::device, "no permission to open " + joined(machine.closed_device_files),
                   "a card whose file cannot be opened is not there for this process",
                   "run as a member of the group that owns the files (often video or render)");
}

Answer check_lost_cards(const MachineFacts& facts) {
    if (!any_card(facts)) return std::nullopt;
    const Cards lost = cards_where(facts, [](const CardFacts& card) { return !card.failure.empty(); });
    if (lost.empty()) return ok(facts.gpu.cards.size() == 1 ? "the card answers" : "all cards answer");
    const std::size_t rest = facts.gpu.cards.size() - lost.size();
    std::string without;
    for (const CardFacts& card : facts.gpu.cards) {
        if (card.failure.empty() && !card.info.uuid.empty()) without += (without.empty() ? "" : ",") + card.info.uuid;
    }
    return about(lost, failure(ErrorKind::device,
                               list_cards(lost) + (lost.size() == 1 ? " does not answer" : " do not answer") +
                                   ", the other " + std::to_string(rest) + (rest == 1 ? " does" : " do"),
                               lost.front()->failure,
                               "see dmesg for its Xid and reset it (nvidia-smi --gpu-reset), or reboot" +
                                   (without.empty() ? "" : "; until then CUDA_VISIBLE_DEVICES=" + without),
                               {{"lost", static_cast<std::int64_t>(lost.size())},
                                {"cards", static_cast<std::int64_t>(facts.gpu.cards.size())}}));
}

Answer check_device_code(const MachineFacts& facts) {
    const Cards cards = working(facts);
    if (cards.empty()) return std::nullopt;
    const std::vector<DeviceCode>& codes = facts.gpu.faiss_code;
    if (codes.empty()) {
        return unknown("which cards this Faiss has code for", "its program is stripped of what would tell",
                       "run a search: an error 209 (no kernel image) means that it has none");
    }
    std::vector<DeviceCode> machine_code;
    std::copy_if(codes.begin(), codes.end(), std::back_inserter(machine_code),
                 [](const DeviceCode& code) { return code.kind == DeviceCode::Kind::machine; });
    Cards without;
    Cards compiled_at_start;
    for (const CardFacts* card : cards) {
        const auto capability = parse_compute_capability(card->info.compute_capability);
        if (!capability) continue;
        if (has_no_code(facts.gpu, *card)) {
            without.push_back(card);
        } else if (!any_runs_on(machine_code, *capability)) {
            compiled_at_start.push_back(card);
        }
    }
    const std::vector<ErrorField> numbers = {{"faiss_code", list_names(codes)}};
    const auto capability_of = [](const CardFacts& card) { return card.info.compute_capability; };
    const auto say = [](const std::string& capability) { return "has compute capability " + capability; };
    if (!without.empty()) {
        return about(without,
                     failure(ErrorKind::device,
                             each(without, capability_of, say) + "; this Faiss has code for " + list_names(codes),
                             "every search there would end the process (no kernel image)",
                             "link a Faiss that is built for it: -DCMAKE_CUDA_ARCHITECTURES, or a newer one", numbers));
    }
    if (!compiled_at_start.empty()) {
        return about(
            compiled_at_start,
            warning("only PTX for " + list_cards(compiled_at_start) + ": " + list_names(codes),
                    "the driver compiles it at the first use of each card, which takes minutes, and keeps it in "
                    "CUDA_CACHE_PATH",
                    "link a Faiss with machine code for it, or raise CUDA_CACHE_MAXSIZE and warm up once", numbers));
    }
    return ok("Faiss has code for every card: " + list_names(codes), numbers);
}

Answer check_card_order(const MachineFacts& facts) {
    const Cards visible =
        cards_where(facts, [](const CardFacts& card) { return card.visible && !card.info.pci.empty(); });
    if (visible.size() < 2) return std::nullopt;
    for (std::size_t i = 1; i < visible.size(); ++i) {
        const CardFacts& card = *visible[i];
        if (visible[i - 1]->info.pci <= card.info.pci) continue;
        const CardFacts& before = *visible[i - 1];
        return about(
            {&before, &card},
            warning(before.info.spec + " is at " + before.info.pci + ", " + card.info.spec + " at " + card.info.pci,
                    "nvidia-smi numbers cards by PCI id: its numbers name other cards than CUDA's",
                    facts.gpu.machine.visible_devices
                        ? "name cards by UUID or PCI id, as in --devices " + card.info.pci
                        : "CUDA_DEVICE_ORDER=PCI_BUS_ID, or name cards by UUID or PCI id"));
    }
    return ok("CUDA numbers the cards by PCI id, as nvidia-smi does");
}

Answer check_instances(const MachineFacts& facts) {
    if (!any_card(facts)) return std::nullopt;
    if (!facts.gpu.management_library) return needs_management_library("whether cards are cut into instances (MIG)");
    const Cards cut = cards_where(facts, [](const CardFacts& card) { return card.health.mig.value_or(false); });
    const Cards pending =
        cards_where(facts, [](const CardFacts& card) { return card.health.mig_pending.value_or(false); });
    if (!pending.empty()) {
        return about(pending, warning("the MIG mode of " + list_cards(pending) + " will change at its next reset",
                                      "until then it is as it was, and after it a plan made now does not fit",
                                      "nvidia-smi --gpu-reset, with nothing running on it"));
    }
    if (cut.empty()) return ok("no card is cut into instances (MIG)");
    return about(cut, warning(list_cards(cut) + (cut.size() == 1 ? " is" : " are") + " cut into instances (MIG)",
                              "a process uses one instance of one card, with a part of its memory",
                              "nvidia-smi -mig 0 makes it whole again; or one process per instance"));
}

Answer check_memory_errors(const MachineFacts& facts) {
    if (!any_card(facts)) return std::nullopt;
    if (!facts.gpu.management_library) return needs_management_library("errors in the memory of cards (ECC)");
    const auto errors = [](const CardFacts& card) { return card.health.uncorrected_errors.value_or(0); };
    const Cards bad = cards_where(facts, [&](const CardFacts& card) { return errors(card) > 0; });
    if (!bad.empty()) {
        std::uint64_t all = 0;
        for (const CardFacts* card : bad) all += errors(*card);
        return about(
            bad,
            failure(ErrorKind::device,
                    each(bad, errors,
                         [](std::uint64_t number) { return "has " + std::to_string(number) + " uncorrected errors"; }),
                    "memory that cannot be trusted: programs on the card are ended, or answers are wrong",
                    "reset the card (nvidia-smi --gpu-reset); if they come back, replace it",
                    {{"uncorrected_errors", size_number(all)}}));
    }
    const Cards off =
        cards_where(facts, [](const CardFacts& card) { return card.health.ecc.has_value() && !*card.health.ecc; });
    if (!off.empty()) return ok("no errors told; ECC is off on " + list_cards(off));
    const Cards told = cards_where(facts, [](const CardFacts& card) { return card.health.ecc.has_value(); });
    return ok(told.empty() ? "these cards do not count errors (no ECC)" : "no uncorrected errors");
}

Answer check_pending_repairs(const MachineFacts& facts) {
    if (!any_card(facts)) return std::nullopt;
    if (!facts.gpu.management_library) return needs_management_library("repairs of memory that wait for a reset");
    const Cards failed =
        cards_where(facts, [](const CardFacts& card) { return card.health.remap_failed.value_or(false); });
    if (!failed.empty()) {
        return about(failed, failure(ErrorKind::device, list_cards(failed) + ": a row of memory could not be replaced",
                                     "there is no spare row left where it is needed", "replace the card"));
    }
    const Cards pending = cards_where(facts, [](const CardFacts& card) {
        return card.health.remap_pending.value_or(false) || card.health.retirement_pending.value_or(false);
    });
    if (!pending.empty()) {
        return about(pending, warning(list_cards(pending) + ": memory waits for a reset to be replaced (rows or pages)",
                                      "until then the bad memory is still in use",
                                      "nvidia-smi --gpu-reset, with nothing running"));
    }
    std::uint64_t replaced = 0;
    for (const CardFacts& card : facts.gpu.cards) {
        replaced += card.health.remapped_rows.value_or(0) + card.health.retired_pages.value_or(0);
    }
    return ok(replaced == 0 ? "none" : "none wait; " + std::to_string(replaced) + " rows or pages were replaced so far",
              {{"replaced", size_number(replaced)}});
}

Answer check_persistence(const MachineFacts& facts) {
    if (!any_card(facts)) return std::nullopt;
    if (!facts.gpu.management_library) return needs_management_library("whether the driver keeps the cards ready");
    const Cards off = cards_where(facts, [](const CardFacts& card) {
        return health_is_told(card) && card.health.persistence.has_value() && !*card.health.persistence;
    });
    if (off.empty()) return ok("the driver keeps the cards ready, or does not tell");
    return about(off, warning("off for " + list_cards(off),
                              "the driver puts an unused card to sleep, and its first use then takes seconds more",
                              "nvidia-smi -pm 1, or the service nvidia-persistenced"));
}

Answer check_holders(const MachineFacts& facts) {
    const Cards cards = working(facts);
    if (cards.empty()) return std::nullopt;
    Cards full;
    Cards shared;
    for (const CardFacts* card : cards) {
        const DeviceInfo& info = card->info;
        const Bytes used = info.total_bytes - std::min(info.total_bytes, info.free_bytes);
        if (info.free_bytes < least_useful) {
            full.push_back(card);
        } else if (used >= info.total_bytes / 10) {
            shared.push_back(card);
        }
    }
    const auto line = [](const Cards& of) {
        std::vector<std::string> parts;
        for (const CardFacts* card : of) {
            const DeviceInfo& info = card->info;
            std::string part = long_name_of(*card) + " has " + format_bytes(info.free_bytes) + " of " +
                               format_bytes(info.total_bytes) + " free";
            if (!info.holders.empty()) {
                const MemoryHolder& holder = info.holders.front();
                part += ", " + process_of(holder) + (holder.bytes > 0 ? " holds " + format_bytes(holder.bytes) : "");
            }
            parts.push_back(part);
        }
        return joined(parts);
    };
    const auto numbers = [](const Cards& of) {
        std::vector<ErrorField> fields;
        for (const CardFacts* card : of)
            fields.push_back(size_field("free_bytes_" + name_of(*card), card->info.free_bytes));
        return fields;
    };
    if (!full.empty()) {
        const bool all = full.size() == cards.size();
        return about(full,
                     failure(ErrorKind::device, line(full),
                             "a full card: not even a context and an empty shard fit, and stock Faiss, which gives "
                             "every card the same share, fails on it",
                             all ? "end the processes that hold it" : "end the processes that hold it, or leave it out",
                             numbers(full)));
    }
    if (!shared.empty()) {
        return about(shared, warning(line(shared), "what others hold cannot hold vectors, and they may take more",
                                     "end them, or plan around them: gpushard does, with --reserve to leave them room",
                                     numbers(shared)));
    }
    return ok("nobody else holds a tenth of a card or more");
}

Answer check_balance(const MachineFacts& facts) {
    const Cards cards = working(facts);
    if (cards.size() < 2) return std::nullopt;
    const auto less_free = [](const CardFacts* a, const CardFacts* b) {
        return a->info.free_bytes < b->info.free_bytes;
    };
    const auto less_total = [](const CardFacts* a, const CardFacts* b) {
        return a->info.total_bytes < b->info.total_bytes;
    };
    const auto [least, most] = std::minmax_element(cards.begin(), cards.end(), less_free);
    const auto [smallest, largest] = std::minmax_element(cards.begin(), cards.end(), less_total);
    const Bytes least_free = (*least)->info.free_bytes;
    Bytes all_free = 0;
    for (const CardFacts* card : cards) all_free += card->info.free_bytes;
    const Bytes equal_shares = least_free * cards.size();
    const std::vector<ErrorField> numbers = {size_field("least_free_bytes", least_free),
                                             size_field("most_free_bytes", (*most)->info.free_bytes),
                                             size_field("smallest_card_bytes", (*smallest)->info.total_bytes),
                                             size_field("largest_card_bytes", (*largest)->info.total_bytes),
                                             size_field("equal_shares_bytes", equal_shares),
                                             size_field("free_bytes", all_free)};
    if (least_free >= (*most)->info.free_bytes / 10 * 9) {
        return ok(format_bytes(all_free) + " free on " + count_of(cards.size(), "card") + ", equal within a tenth",
                  numbers);
    }
    const bool unequal_cards = (*smallest)->info.total_bytes < (*largest)->info.total_bytes / 10 * 9;
    return about(
        {*least, *most},
        warning(std::string(unequal_cards ? "unequal cards: " : "unequal free memory: ") + (*least)->info.spec +
                    " has " + format_bytes(least_free) + " free, " + (*most)->info.spec + " " +
                    format_bytes((*most)->info.free_bytes),
                "stock Faiss cuts equal shares, so " + format_bytes(equal_shares) + " of " + format_bytes(all_free) +
                    " free can be used; gpushard fills each card by what it has",
                "load with gpushard, or leave " + (*least)->info.spec + " out of CUDA_VISIBLE_DEVICES", numbers));
}

}  // namespace gpushard::doctor
