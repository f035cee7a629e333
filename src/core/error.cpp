#include <algorithm>

#include <gpushard/error.hpp>
#include <gpushard/printable_text.hpp>

namespace gpushard {

std::string_view to_string(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::invalid_argument:
            return "invalid_argument";
        case ErrorKind::insufficient_memory:
            return "insufficient_memory";
        case ErrorKind::bad_file:
            return "bad_file";
        case ErrorKind::device:
            return "device";
        case ErrorKind::cancelled:
            return "cancelled";
        case ErrorKind::internal:
            return "internal";
    }
    return "internal";
}

Error::Error(ErrorKind kind, const std::string& what, std::vector<std::string> hints, std::vector<ErrorField> fields)
    : std::runtime_error(what), kind_(kind), hints_(std::move(hints)), fields_(std::move(fields)) {}

ErrorReport Error::report() const {
    ErrorReport report;
    report.kind = kind_;
    report.message = what();
    report.fields = fields_;
    report.remedies = hints_;
    return report;
}

InvalidArgument::InvalidArgument(const std::string& what, std::vector<std::string> hints,
                                 std::vector<ErrorField> fields)
    : Error(ErrorKind::invalid_argument, what, std::move(hints), std::move(fields)) {}

namespace {

std::vector<std::string> hints_for(const std::vector<std::string>& in_order) {
    std::vector<std::string> hints;
    if (!in_order.empty()) {
        std::string files;
        for (const std::string& file : in_order) files += " " + shell_quoted(file);
        hints.push_back("in this order:" + files);
    }
    hints.emplace_back("--parts-as-given to read the files as they are named");
    return hints;
}

}  // namespace

WrongParts::WrongParts(const std::string& what, std::vector<std::string> given, std::vector<std::string> in_order)
    : InvalidArgument(what, hints_for(in_order)), given_(std::move(given)), in_order_(std::move(in_order)) {}

BadFile::BadFile(const std::string& what, std::vector<std::string> hints, std::vector<ErrorField> fields)
    : Error(ErrorKind::bad_file, what, std::move(hints), std::move(fields)) {}

BadFile BadFile::field(const std::string& file, std::uint64_t offset, const std::string& field,
                       const std::string& value, const std::string& expected) {
    return BadFile(
        file + ": " + field + " at offset " + std::to_string(offset) + " is " + value + ", expected " + expected, {},
        {{"file", file},
         {"offset", static_cast<std::int64_t>(offset)},
         {"field", field},
         {"value", value},
         {"expected", expected}});
}

InsufficientMemory::InsufficientMemory(const std::string& what, Bytes short_bytes, std::vector<DeviceShortfall> devices,
                                       std::vector<Alternative> alternatives, std::vector<ErrorField> fields)
    : Error(ErrorKind::insufficient_memory, what, {}, std::move(fields)),
      short_bytes_(short_bytes),
      devices_(std::move(devices)),
      alternatives_(std::move(alternatives)) {}

namespace {

constexpr std::size_t most_devices_listed = 16;

std::string shortfall_line(const DeviceShortfall& device) {
    return device.device + ": needs " + format_bytes(device.needed_bytes) + ", usable " +
           format_bytes(device.usable_bytes) + ", " +
           (device.short_bytes > 0 ? "short of " + format_bytes(device.short_bytes) : std::string("fits"));
}

std::string alternative_line(const Alternative& alternative) {
    return (alternative.flags.empty() ? "" : alternative.flags + ", ") + alternative.change + " (" +
           format_bytes(alternative.peak_bytes) + " on the fullest device, " + format_bytes(alternative.total_bytes) +
           " in all)";
}

}  // namespace

ErrorReport InsufficientMemory::report() const {
    ErrorReport report = Error::report();
    for (std::size_t i = 0; i < std::min(devices_.size(), most_devices_listed); ++i) {
        report.details.push_back(shortfall_line(devices_[i]));
    }
    if (devices_.size() > most_devices_listed) {
        report.details.push_back("and " + std::to_string(devices_.size() - most_devices_listed) + " more devices");
    }
    std::vector<std::string> remedies;
    for (const Alternative& alternative : alternatives_) remedies.push_back(alternative_line(alternative));
    report.remedies.insert(report.remedies.begin(), remedies.begin(), remedies.end());
    return report;
}

namespace {

std::vector<ErrorField> with_device(const std::string& device, std::vector<ErrorField> fields) {
    fields.insert(fields.begin(), {"device", device});
    return fields;
}

}  // namespace

DeviceError::DeviceError(const std::string& device, const std::string& what, std::vector<std::string> hints,
                         std::vector<ErrorField> fields)
    : Error(ErrorKind::device, what, std::move(hints), with_device(device, std::move(fields))), device_(device) {}

Cancelled::Cancelled(const std::string& what) : Error(ErrorKind::cancelled, what) {}

}  // namespace gpushard
