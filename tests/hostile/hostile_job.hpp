#pragma once

#include <map>
#include <string>
#include <vector>

#include "scenario/scenario.hpp"

namespace gpushard::test {

/// How often each kind of call was made, and where one was made to fail.
struct CallsReport {
    std::map<std::string, long> counts;  ///< empty where main did not come to its end
    std::string failed_at;               ///< empty where none failed
};

/// A command of the tool that something happens to: in a folder of its own, where files stand under the names of its
/// outputs.
class HostileJob {
public:
    /// "load", "search" or "generate".
    explicit HostileJob(const std::string& name);

    /// Puts the old outputs in place, removes what else is there, and runs the command.
    ChildResult run_anew(const std::vector<std::string>& environment = {});

    /// Runs it once more as things are.
    ChildResult run_again(const std::vector<std::string>& environment = {});

    /// What failing_calls said of the last run.
    CallsReport calls() const;

    /// Each output is either what it was or what it should become.
    void expect_whole_outputs() const;
    void expect_old_outputs() const;
    void expect_right_outputs() const;

    /// Nothing is in the folder but what belongs there, and the inputs are as they were.
    void expect_nothing_else() const;

    const std::string& name() const { return name_; }

private:
    std::string output(const std::string& name) const { return read_file(folder_ / name); }
    void put_old_outputs() const;

    std::string name_;
    Arguments arguments_;
    std::map<std::string, std::string> inputs_;   ///< name, content
    std::map<std::string, std::string> outputs_;  ///< name, what it should become
    TempDir folder_;
    TempDir reports_;
};

}  // namespace gpushard::test
