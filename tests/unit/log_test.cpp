#include "log/log.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <gpushard/log.hpp>

namespace gpushard {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class Log : public testing::Test {
protected:
    ~Log() override {
        set_log_callback({});
        set_log_level(LogLevel::warn);
        spdlog::drop("gpushard");
    }
};

TEST_F(Log, IsSilentBelowWarnAndWritesToStderrOnly) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    log_info("not {}", "this");
    log_warn("but {}", "that");
    const std::string errors = testing::internal::GetCapturedStderr();
    EXPECT_THAT(testing::internal::GetCapturedStdout(), IsEmpty());
    EXPECT_THAT(errors, HasSubstr("but that"));
    EXPECT_THAT(errors, Not(HasSubstr("not this")));
}

TEST_F(Log, SendsEverythingFromItsLevelToTheCallback) {
    std::vector<std::pair<LogLevel, std::string>> heard;
    set_log_callback([&](LogLevel level, std::string_view message) { heard.emplace_back(level, message); });
    set_log_level(LogLevel::info);
    testing::internal::CaptureStderr();
    log_debug("a");
    log_info("b {}", 1);
    log_error("c");
    EXPECT_THAT(testing::internal::GetCapturedStderr(), IsEmpty());
    EXPECT_THAT(heard, ElementsAre(Pair(LogLevel::info, "b 1"), Pair(LogLevel::error, "c")));
}

TEST_F(Log, AnEmptyCallbackRestoresStderr) {
    set_log_callback([](LogLevel, std::string_view) { FAIL() << "the callback was taken away"; });
    set_log_callback({});
    testing::internal::CaptureStderr();
    log_warn("back again");
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("back again"));
}

TEST_F(Log, WhatTheCallbackThrowsChangesNothing) {
    int heard = 0;
    set_log_callback([&](LogLevel, std::string_view) {
        ++heard;
        throw 42;
    });
    EXPECT_NO_THROW(log_warn("one"));
    EXPECT_NO_THROW(log_warn("two"));
    EXPECT_EQ(heard, 2);
}

TEST_F(Log, OffIsOff) {
    set_log_level(LogLevel::off);
    EXPECT_FALSE(log_enabled(LogLevel::error));
    testing::internal::CaptureStderr();
    log_error("nobody hears this");
    EXPECT_THAT(testing::internal::GetCapturedStderr(), IsEmpty());
}

TEST_F(Log, UsesTheLoggerOfTheHostApplicationAtItsOwnLevel) {
    std::ostringstream text;
    auto host = std::make_shared<spdlog::logger>("gpushard", std::make_shared<spdlog::sinks::ostream_sink_mt>(text));
    host->set_level(spdlog::level::debug);
    spdlog::register_logger(host);
    testing::internal::CaptureStderr();
    log_debug("to the host");
    EXPECT_THAT(text.str(), HasSubstr("to the host"));
    set_log_level(LogLevel::error);
    log_warn("no more");
    EXPECT_THAT(text.str(), Not(HasSubstr("no more")));
    EXPECT_THAT(testing::internal::GetCapturedStderr(), IsEmpty());
}

TEST_F(Log, MayBeUsedByManyThreadsWhileTheCallbackChanges) {
    std::atomic<int> heard{0};
    const auto count = [&](LogLevel, std::string_view) { ++heard; };
    set_log_callback(count);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([] {
            for (int j = 0; j < 500; ++j) log_warn("message {}", j);
        });
    }
    for (int i = 0; i < 100; ++i) set_log_callback(count);
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(heard, 2000);
}

}  // namespace
}  // namespace gpushard
