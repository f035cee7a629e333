#include <gpushard/error.hpp>

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

InvalidArgument::InvalidArgument(const std::string& what, std::vector<std::string> hints,
                                 std::vector<ErrorField> fields)
    : Error(ErrorKind::invalid_argument, what, std::move(hints), std::move(fields)) {}

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
