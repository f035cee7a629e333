// Of the instructions that Faiss contains, as they are spelled, none is missing among those that were checked, and none
// is unknown to the interpreter.
#include <iostream>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "interpreter/program.hpp"
#include "ptx/module.hpp"
#include "simcuda/tests/fat_binary_texts.hpp"

namespace gpushard::test {
namespace {

using simcuda::interpreter::Program;
namespace ptx = simcuda::ptx;

struct Contents {
    int modules = 0;
    int kernels = 0;
    std::uint64_t instructions = 0;
    std::set<std::string> variants;
    std::set<std::string> unknown;  ///< "kernel: line 12: ..."
    bool is_compressed = false;
};

std::string spelled(const ptx::Instruction& instruction) {
    std::string text = instruction.opcode;
    for (const std::string& modifier : instruction.modifiers) text += '.' + modifier;
    return text;
}

Contents contents_of(const std::string& path) {
    Contents contents;
    const std::string file = read_file(path);
    for (const std::string_view payload : ptx_payloads(file)) {
        if (!ptx::is_text(payload.data(), payload.size())) {
            contents.is_compressed = true;
            continue;
        }
        ptx::Module module(payload.substr(0, payload.find('\0')));
        ++contents.modules;
        for (const std::string& name : module.kernel_names()) {
            const ptx::Kernel& kernel = *module.kernel(name);
            ++contents.kernels;
            contents.instructions += kernel.instructions.size();
            for (const ptx::Instruction& instruction : kernel.instructions) {
                contents.variants.insert(spelled(instruction));
            }
            const Program program(kernel, module.variables());
            for (const std::string& unknown : program.unknown_instructions()) {
                contents.unknown.insert(name + ": " + unknown);
            }
        }
    }
    return contents;
}

TEST(InstructionsOfFaiss, AreAllKnownAndChecked) {
    const Contents faiss = contents_of(GPUSHARD_TEST_FAISS_LIBRARY);
    if (faiss.is_compressed) GTEST_SKIP() << "the PTX of " GPUSHARD_TEST_FAISS_LIBRARY " is compressed";
    if (faiss.modules == 0) GTEST_SKIP() << GPUSHARD_TEST_FAISS_LIBRARY " holds no PTX";
    const Contents checked = contents_of(GPUSHARD_TEST_CHECKED_KERNELS);

    std::set<std::string> missing;
    for (const std::string& variant : faiss.variants) {
        if (checked.variants.count(variant) == 0) missing.insert(variant);
    }
    EXPECT_THAT(faiss.unknown, testing::IsEmpty()) << "the interpreter does not know these";
    EXPECT_THAT(missing, testing::IsEmpty()) << "no kernel of tests/simcuda/kernels uses these";
    EXPECT_GT(faiss.kernels, 0);
    EXPECT_GT(checked.kernels, 0);

    std::cout << "Faiss: " << faiss.modules << " modules, " << faiss.kernels << " kernels, " << faiss.instructions
              << " instructions of " << faiss.variants.size() << " spellings; checked are " << checked.variants.size()
              << " spellings in " << checked.kernels << " kernels\n";
    RecordProperty("faiss_modules", faiss.modules);
    RecordProperty("faiss_kernels", faiss.kernels);
    RecordProperty("faiss_spellings", static_cast<int>(faiss.variants.size()));
    RecordProperty("checked_kernels", checked.kernels);
    RecordProperty("checked_spellings", static_cast<int>(checked.variants.size()));
}

}  // namespace
}  // namespace gpushard::test
