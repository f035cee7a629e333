#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gpushard/byte_source.hpp>
#include <gpushard/error.hpp>

namespace gpushard {

enum class CheckResult {
    ok,
    warning,  ///< it works, but slower, with less memory, or not for long
    failure,  ///< something that was asked for does not work
    unknown,  ///< nothing here tells
};

std::string_view to_string(CheckResult result);  ///< "ok", "warning", "failure", "unknown"

/// What one check of the doctor found.
struct CheckOutcome {
    std::string id;     ///< "lost_cards": stays the same from version to version
    std::string group;  ///< "versions", "cards", "host", "index"
    CheckResult result = CheckResult::ok;
    std::string found;                 ///< one line
    std::string why;                   ///< why it matters, or why nothing tells; empty where it is ok
    std::string remedy;                ///< the one thing to do; empty where it is ok
    std::vector<std::string> devices;  ///< the cards it is about: "cuda:1", or "GPU 1 at 0000:02:00.0" for a hidden one
    std::vector<ErrorField> numbers;   ///< behind the line, by name
    ErrorKind kind = ErrorKind::internal;  ///< what a failure is, as an error would be
};

struct DoctorReport {
    std::vector<CheckOutcome> checks;  ///< by group, in the order of the table of checks

    int count(CheckResult result) const;
    bool ok() const { return count(CheckResult::failure) == 0; }
    /// The kind of the gravest failure: a device, then what does not fit, a file, and the rest; nothing where all is
    /// well.
    std::optional<ErrorKind> gravest() const;
};

/// What to examine beside the machine.
struct DoctorOptions {
    /// An index, or the parts of one in order: whether it can be read, where it lies, and whether it fits. None: the
    /// checks that need one are left out.
    std::vector<std::filesystem::path> index;
    /// Whether the names of those parts are checked: see open_parts.
    PartOrder part_order = PartOrder::by_name;
    /// Where it shall go: see resolve_devices. Empty: every visible card in a CUDA build, the host otherwise. Cards
    /// that do not answer are left out.
    std::string devices;
    /// Stands for "/" where the kernel's files are read (proc, sys, dev), so that those of another system that is
    /// mounted here can be examined. Limits of this process and its libraries are those of this process.
    std::filesystem::path root = "/";
};

/// Examines this machine: driver, runtime and Faiss and whether they fit; the cards that are installed, visible and
/// healthy, who uses them, and how equal they are; memory, limits and processors; the index. Never fails because of a
/// card, a driver or an index that is not there: that is a check of the report. Which checks there are depends on what
/// there is to check. Loads nothing, and makes a CUDA context only where NVML cannot tell what is free. Reads the
/// header of the index and asks the kernel which of 256 samples of it are cached: some milliseconds. Throws
/// InvalidArgument for a malformed `devices`, BadFile for an unreadable rig file there. Thread-safe.
DoctorReport examine_machine(const DoctorOptions& options = {});

}  // namespace gpushard
