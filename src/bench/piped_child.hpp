#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace gpushard::bench {

/// A descriptor that is closed with its owner.
class OwnedDescriptor {
public:
    explicit OwnedDescriptor(int number = -1) : number_(number) {}
    OwnedDescriptor(const OwnedDescriptor&) = delete;
    OwnedDescriptor& operator=(const OwnedDescriptor&) = delete;
    ~OwnedDescriptor();

    int get() const { return number_; }
    void adopt(int number) {
        close();
        number_ = number;
    }
    void close();

private:
    int number_;
};

/// A program that is talked to in lines: what it reads and writes is a socket to this process. Ends with this object,
/// and with this process however that ends: the system kills it then, and what it reads has ended.
class PipedChild {
public:
    /// `command` is the program, which is looked for as a shell does, and its arguments. Throws InvalidArgument where
    /// it cannot be run.
    explicit PipedChild(const std::vector<std::string>& command);
    PipedChild(const PipedChild&) = delete;
    PipedChild& operator=(const PipedChild&) = delete;
    ~PipedChild();

    /// Throws Error, saying how it ended, where the child is not there any more.
    void write(std::string_view bytes);
    /// The next line, without its end. Throws as `write` does, and for a line that is longer than any it should say.
    std::string read_line();

private:
    void start(const std::vector<std::string>& command);
    void must_be_there() const;
    /// Says how a child ended that has closed its side.
    [[noreturn]] void throw_how_it_ended();
    std::string last_words() const;
    void end() noexcept;

    std::string name_;
    pid_t process_ = -1;
    OwnedDescriptor socket_;
    OwnedDescriptor errors_;  ///< what it writes to stderr, a file without a name
    std::string read_;        ///< what has come and was not asked for yet
};

}  // namespace gpushard::bench
