#pragma once

#include <iostream>
#include <string>

/// Counts what an example claims and does not hold.
class Checks {
public:
    void expect(bool holds, const std::string& claim) {
        std::cout << (holds ? "ok: " : "FAILED: ") << claim << '\n';
        if (!holds) ++failed_;
    }

    int exit_code() const { return failed_ == 0 ? 0 : 1; }

private:
    int failed_ = 0;
};
