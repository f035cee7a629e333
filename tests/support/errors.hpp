#pragma once

#include <exception>
#include <string>

#include <gtest/gtest.h>

#include <gpushard/error.hpp>

namespace gpushard::test {

/// The line that the `Expected` thrown by `action` carries; empty, with a failure, when it throws something else.
template <typename Expected, typename Action>
std::string message_of(Action&& action) {
    try {
        action();
        ADD_FAILURE() << "nothing was thrown";
    } catch (const Expected& error) {
        const std::string line = error.what();
        EXPECT_EQ(line.find('\n'), std::string::npos) << line;
        return line;
    } catch (const std::exception& error) {
        ADD_FAILURE() << "another error was thrown: " << error.what();
    }
    return "";
}

}  // namespace gpushard::test
