#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <gpushard/bytes.hpp>

namespace gpushard {

/// What went wrong, in the classes a caller can act on. The command line tool maps each to an exit code.
enum class ErrorKind {
    invalid_argument,     ///< the call itself is wrong: an option, a k, a device specification (exit 2)
    insufficient_memory,  ///< it does not fit (exit 3)
    bad_file,             ///< missing, unreadable, malformed, unsupported or changed input (exit 4)
    device,               ///< a device is missing or failed (exit 5)
    cancelled,            ///< the caller asked to stop (exit 6)
    internal,             ///< a promise of this library was broken (exit 1)
};

/// "invalid_argument", "insufficient_memory", ...: the spelling used in JSON.
std::string_view to_string(ErrorKind kind);

/// One number or text of an error, by name: what a program reads instead of parsing `what()`.
using ErrorField = std::pair<std::string, std::variant<std::int64_t, double, std::string>>;

/// What there is to say of an error, one shape for those that this library throws and those it explains.
struct ErrorReport {
    ErrorKind kind = ErrorKind::internal;
    std::string id;                     ///< of the diagnosis in the catalogue; empty where it is not from there
    std::string message;                ///< one line: what is wrong
    std::string meaning;                ///< what is behind it; empty where the message says it all
    std::vector<ErrorField> fields;     ///< the numbers behind both
    std::vector<std::string> details;   ///< further facts, one a line
    std::vector<std::string> remedies;  ///< what to try, most useful first; "also: ..." is another thing that failed
    std::vector<std::string> checks;    ///< what to look at before
    std::vector<std::string> sources;   ///< links: where others met it
};

/// Base of everything this library throws. `what()` is one line that says what is wrong; `hints()` are further
/// lines that say what to try, most useful first; `fields()` are the numbers behind both.
class Error : public std::runtime_error {
public:
    Error(ErrorKind kind, const std::string& what, std::vector<std::string> hints = {},
          std::vector<ErrorField> fields = {});

    ErrorKind kind() const noexcept { return kind_; }
    const std::vector<std::string>& hints() const noexcept { return hints_; }
    const std::vector<ErrorField>& fields() const noexcept { return fields_; }

    /// All of it as one value.
    virtual ErrorReport report() const;

    /// For who passes an error on and knows more: what else went wrong, what to try.
    void add_hint(std::string hint) { hints_.push_back(std::move(hint)); }

private:
    ErrorKind kind_;
    std::vector<std::string> hints_;
    std::vector<ErrorField> fields_;
};

/// The call is wrong, whatever the machine and the file are.
class InvalidArgument : public Error {
public:
    explicit InvalidArgument(const std::string& what, std::vector<std::string> hints = {},
                             std::vector<ErrorField> fields = {});
};

/// The files that were named are not the parts of one index, in order. The hints say what was meant, where that can be
/// told.
class WrongParts : public InvalidArgument {
public:
    WrongParts(const std::string& what, std::vector<std::string> given, std::vector<std::string> in_order);

    const std::vector<std::string>& given() const noexcept { return given_; }
    /// The files to name instead, in order; empty where that cannot be told.
    const std::vector<std::string>& in_order() const noexcept { return in_order_; }

private:
    std::vector<std::string> given_;
    std::vector<std::string> in_order_;
};

/// An input file is missing, unreadable, malformed or of an unsupported type.
class BadFile : public Error {
public:
    explicit BadFile(const std::string& what, std::vector<std::string> hints = {}, std::vector<ErrorField> fields = {});

    /// The usual shape: "FILE: FIELD at offset OFFSET is VALUE, expected EXPECTED".
    static BadFile field(const std::string& file, std::uint64_t offset, const std::string& field,
                         const std::string& value, const std::string& expected);
};

/// The file is not the one that was inspected or planned for: it changed in between, or is another file.
class FileChanged : public BadFile {
public:
    using BadFile::BadFile;
};

/// What one device lacks; a field of InsufficientMemory.
struct DeviceShortfall {
    std::string device;      ///< DeviceInfo::spec
    Bytes needed_bytes = 0;  ///< peak of the share this device would have to take
    Bytes usable_bytes = 0;  ///< free - reserve - context, never below zero
    Bytes short_bytes = 0;   ///< needed - usable, zero where it fits
};

/// A change to the request that was itself planned and fits; a field of InsufficientMemory.
struct Alternative {
    std::string change;     ///< "float16 instead of float32", "one more device of 12 GiB"
    std::string flags;      ///< how to say it to the command line tool: "--precision f16"
    Bytes peak_bytes = 0;   ///< largest peak of one device in the alternative plan
    Bytes total_bytes = 0;  ///< sum of the peaks of its devices
};

/// The request does not fit the memory it was given. Nothing has been allocated, or all of it has been given back.
class InsufficientMemory : public Error {
public:
    InsufficientMemory(const std::string& what, Bytes short_bytes, std::vector<DeviceShortfall> devices = {},
                       std::vector<Alternative> alternatives = {}, std::vector<ErrorField> fields = {});

    /// Bytes missing over all devices: the size by which the rig is too small for this request.
    Bytes short_bytes() const noexcept { return short_bytes_; }
    const std::vector<DeviceShortfall>& devices() const noexcept { return devices_; }
    const std::vector<Alternative>& alternatives() const noexcept { return alternatives_; }

    /// With a detail for each device and a remedy for each alternative, before the hints.
    ErrorReport report() const override;

private:
    Bytes short_bytes_;
    std::vector<DeviceShortfall> devices_;
    std::vector<Alternative> alternatives_;
};

/// A device is missing, refused an operation, or is lost.
class DeviceError : public Error {
public:
    DeviceError(const std::string& device, const std::string& what, std::vector<std::string> hints = {},
                std::vector<ErrorField> fields = {});

    /// DeviceInfo::spec of the device at fault.
    const std::string& device() const noexcept { return device_; }

private:
    std::string device_;
};

/// The caller asked to stop; everything begun was undone.
class Cancelled : public Error {
public:
    explicit Cancelled(const std::string& what);
};

}  // namespace gpushard
