#include "log/log.hpp"

#include <atomic>
#include <memory>
#include <mutex>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <gpushard/printable_text.hpp>

namespace gpushard {
namespace {

using Callback = std::function<void(LogLevel, std::string_view)>;

constexpr const char* logger_name = "gpushard";

spdlog::level::level_enum spdlog_level(LogLevel level) {
    switch (level) {
        case LogLevel::trace:
            return spdlog::level::trace;
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warn:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
        case LogLevel::off:
            return spdlog::level::off;
    }
    return spdlog::level::off;
}

struct LogState {
    std::mutex mutex;
    std::shared_ptr<const Callback> callback;
    std::atomic<LogLevel> level{LogLevel::warn};
    // Kept out of spdlog's registry, so that a host application can register its own under the same name at any time.
    std::shared_ptr<spdlog::logger> stderr_logger;
};

// Never destroyed: threads may still log while the process exits.
LogState& state() {
    static LogState* const instance = [] {
        auto* fresh = new LogState;
        fresh->stderr_logger =
            std::make_shared<spdlog::logger>(logger_name, std::make_shared<spdlog::sinks::stderr_sink_mt>());
        fresh->stderr_logger->set_level(spdlog::level::trace);
        fresh->stderr_logger->set_pattern("[%Y-%m-%d %H:%M:%S.%e] [%n] [%l] %v");
        return fresh;
    }();
    return *instance;
}

std::shared_ptr<const Callback> current_callback() {
    const std::lock_guard lock(state().mutex);
    return state().callback;
}

bool level_reached(LogLevel level) {
    return level != LogLevel::off && level >= state().level.load(std::memory_order_relaxed);
}

}  // namespace

void set_log_level(LogLevel level) {
    state().level.store(level, std::memory_order_relaxed);
    if (const auto host_logger = spdlog::get(logger_name)) host_logger->set_level(spdlog_level(level));
}

void set_log_callback(Callback callback) {
    auto shared = callback ? std::make_shared<const Callback>(std::move(callback)) : nullptr;
    const std::lock_guard lock(state().mutex);
    state().callback.swap(shared);
}

bool log_enabled(LogLevel level) {
    if (level == LogLevel::off) return false;
    if (current_callback() != nullptr) return level_reached(level);
    if (const auto host_logger = spdlog::get(logger_name)) return host_logger->should_log(spdlog_level(level));
    return level_reached(level);
}

void log_message(LogLevel level, std::string_view message) {
    if (!log_enabled(level)) return;
    if (const auto callback = current_callback()) {
        try {
            (*callback)(level, message);
        } catch (...) {  // what is reported on does not depend on who listens
        }
        return;
    }
    auto logger = spdlog::get(logger_name);
    if (logger == nullptr) logger = state().stderr_logger;
    logger->log(spdlog_level(level), "{}", printable(message));
}

}  // namespace gpushard
