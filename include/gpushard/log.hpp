#pragma once

#include <functional>
#include <string_view>

namespace gpushard {

enum class LogLevel { trace, debug, info, warn, error, off };

/// The library logs through one logger, which is silent below `warn` and writes to stderr. Nothing is ever written
/// to stdout. Thread-safe.
void set_log_level(LogLevel level);

/// Sends the log to the host application instead; an empty function restores stderr. May be called from any thread of
/// the library, by several at once. What it throws is ignored: a log never changes what is done.
void set_log_callback(std::function<void(LogLevel, std::string_view message)> callback);

}  // namespace gpushard
