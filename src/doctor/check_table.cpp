#include "doctor/checks.hpp"

namespace gpushard {
namespace doctor {
namespace {

struct Check {
    const char* id;
    const char* group;
    Answer (*run)(const MachineFacts&);
};

/// What the doctor checks: a line each.
constexpr Check checks[] = {
    {"gpu_support", "versions", check_gpu_support},
    {"driver", "versions", check_driver},
    {"runtime", "versions", check_runtime},
    {"faiss", "versions", check_faiss},
    {"paging", "versions", check_paging},
    {"visible_cards", "cards", check_visible_cards},
    {"device_files", "cards", check_device_files},
    {"lost_cards", "cards", check_lost_cards},
    {"device_code", "cards", check_device_code},
    {"card_order", "cards", check_card_order},
    {"instances", "cards", check_instances},
    {"memory_errors", "cards", check_memory_errors},
    {"pending_repairs", "cards", check_pending_repairs},
    {"persistence", "cards", check_persistence},
    {"holders", "cards", check_holders},
    {"balance", "cards", check_balance},
    {"host_memory", "host", check_host_memory},
    {"control_group", "host", check_control_group},
    {"overcommit", "host", check_overcommit},
    {"locked_memory", "host", check_locked_memory},
    {"address_space", "host", check_address_space},
    {"processors", "host", check_processors},
    {"waiting", "host", check_waiting},
    {"blas", "host", check_blas},
    {"index_file", "index", check_index_file},
    {"file_system", "index", check_file_system},
    {"holes", "index", check_holes},
    {"page_cache", "index", check_page_cache},
    {"fit", "index", check_fit},
};

}  // namespace

DoctorReport run_checks(const MachineFacts& facts) {
    DoctorReport report;
    for (const Check& check : checks) {
        Answer answer = check.run(facts);
        if (!answer) continue;
        answer->id = check.id;
        answer->group = check.group;
        report.checks.push_back(*std::move(answer));
    }
    return report;
}

}  // namespace doctor

std::string_view to_string(CheckResult result) {
    switch (result) {
        case CheckResult::ok:
            return "ok";
        case CheckResult::warning:
            return "warning";
        case CheckResult::failure:
            return "failure";
        case CheckResult::unknown:
            return "unknown";
    }
    return "unknown";
}

int DoctorReport::count(CheckResult result) const {
    int number = 0;
    for (const CheckOutcome& check : checks) number += check.result == result ? 1 : 0;
    return number;
}

std::optional<ErrorKind> DoctorReport::gravest() const {
    for (const ErrorKind kind : {ErrorKind::device, ErrorKind::insufficient_memory, ErrorKind::bad_file}) {
        for (const CheckOutcome& check : checks) {
            if (check.result == CheckResult::failure && check.kind == kind) return kind;
        }
    }
    if (ok()) return std::nullopt;
    return ErrorKind::internal;
}

}  // namespace gpushard
