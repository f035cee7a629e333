#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/byte_source.hpp>
#include <gpushard/error.hpp>
#include <gpushard/index_inspector.hpp>
#include <gpushard/load.hpp>

#include "support/errors.hpp"
#include "support/index_writer.hpp"
#include "support/temp_dir.hpp"

namespace gpushard {
namespace {

using test::message_of;
using test::TempDir;
using test::write_file;
using testing::AllOf;
using testing::ElementsAreArray;
using testing::HasSubstr;
using Paths = std::vector<std::filesystem::path>;
using Texts = std::vector<std::string>;

/// An index of 400 x 8 cut into five pieces of equal size, under the names of a test.
class Pieces : public testing::Test {
protected:
    Paths write(const Texts& names) {
        const std::string bytes = test::flat_index(test::uniform_rows(400, 8, 5), Metric::l2);
        const std::size_t size = bytes.size() / names.size() + 1;
        Paths paths;
        for (std::size_t i = 0; i < names.size(); ++i) {
            paths.push_back(folder_ / names[i]);
            write_file(paths.back(), bytes.substr(i * size, size));
        }
        return paths;
    }

    static Texts texts(const Paths& paths) { return {paths.begin(), paths.end()}; }

    template <typename Call>
    static WrongParts refusal(Call call) {
        try {
            call();
        } catch (const WrongParts& error) {
            return error;
        }
        ADD_FAILURE() << "nothing was refused";
        return {"", {}, {}};
    }

    TempDir folder_;
};

const std::vector<Texts>& styles() {
    static const std::vector<Texts> styles = {
        {"part_aa", "part_ab", "part_ac", "part_ad", "part_ae"},
        {"xaa", "xab", "xac", "xad", "xae"},
        {"big.00", "big.01", "big.02", "big.03", "big.04"},
        {"big.index.001", "big.index.002", "big.index.003", "big.index.004", "big.index.005"},
        {"big.part1", "big.part2", "big.part3", "big.part4", "big.part5"},
        {"b-00001-of-00005", "b-00002-of-00005", "b-00003-of-00005", "b-00004-of-00005", "b-00005-of-00005"},
        {"b-0-of-5.ix", "b-1-of-5.ix", "b-2-of-5.ix", "b-3-of-5.ix", "b-4-of-5.ix"},
        {"my index_a", "my index_b", "my index_c", "my index_d", "my index_e"},
    };
    return styles;
}

/// Each way to read an index holds to the same rule.
std::vector<std::function<Texts(const Paths&, PartOrder)>> readers() {
    const auto options = [](PartOrder order) {
        LoadOptions small;
        small.devices = "cpu=64MiB*2";
        small.part_order = order;
        return small;
    };
    return {
        [](const Paths& parts, PartOrder order) { return inspect_index(*open_parts(parts, order)).files; },
        [](const Paths& parts, PartOrder order) { return inspect_index(parts, order).files; },
        [=](const Paths& parts, PartOrder order) { return plan(parts, options(order)).index.files; },
        [=](const Paths& parts, PartOrder order) { return load(parts, options(order)).plan().index.files; },
    };
}

TEST_F(Pieces, AreRefusedInAnyOtherOrderWithTheRightOne) {
    for (const Texts& style : styles()) {
        const Paths parts = write(style);
        Paths swapped = parts;
        std::swap(swapped[1], swapped[2]);
        for (const auto& read : readers()) {
            EXPECT_THAT(read(parts, PartOrder::by_name), ElementsAreArray(texts(parts)));
            const WrongParts error = refusal([&] { read(swapped, PartOrder::by_name); });
            EXPECT_EQ(std::string(error.what()),
                      style[2] + " is named before " + style[1] + ", expected the parts of an index in their order");
            EXPECT_THAT(error.in_order(), ElementsAreArray(texts(parts)));
            EXPECT_THAT(error.given(), ElementsAreArray(texts(swapped)));
            EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
            EXPECT_THAT(read(swapped, PartOrder::as_given), ElementsAreArray(texts(swapped)));
        }
    }
}

/// One line to paste, not one after the other.
TEST_F(Pieces, TheRightOrderHasThoseThatWereForgotten) {
    for (const Texts& style : styles()) {
        const Paths parts = write(style);
        EXPECT_THAT(refusal([&] {
                        open_parts({parts[0], parts[2], parts[1]});
                    }).in_order(),
                    ElementsAreArray(texts(parts)));
    }
}

TEST_F(Pieces, AGapIsFilledByWhatLiesBesideOrNamed) {
    for (const Texts& style : styles()) {
        const Paths parts = write(style);
        Paths gappy = parts;
        gappy.erase(gappy.begin() + 2);
        const WrongParts error = refusal([&] { open_parts(gappy); });
        EXPECT_THAT(error.what(), HasSubstr(style[2] + " is not among the parts that are named"));
        EXPECT_THAT(error.in_order(), ElementsAreArray(texts(parts)));
        std::filesystem::remove(parts[2]);
        EXPECT_TRUE(refusal([&] { open_parts(gappy); }).in_order().empty());
    }
}

TEST_F(Pieces, ThatEndTooEarlyAreToldOfTheOthers) {
    for (const Texts& style : styles()) {
        const Paths parts = write(style);
        for (const Paths& some : {Paths(parts.begin(), parts.end() - 1), Paths(parts.begin() + 1, parts.end())}) {
            EXPECT_THAT(refusal([&] { open_parts(some); }).in_order(), ElementsAreArray(texts(parts))) << style[0];
        }
    }
}

TEST_F(Pieces, TheFirstAloneIsOpenedWithTheOthers) {
    for (const Texts& style : styles()) {
        const Paths parts = write(style);
        for (const auto& read : readers()) {
            EXPECT_THAT(read({parts[0]}, PartOrder::by_name), ElementsAreArray(texts(parts)));
            EXPECT_THROW(read({parts[0]}, PartOrder::as_given), BadFile);
        }
        EXPECT_EQ(inspect_index(parts[0]).count, 400);
    }
}

TEST_F(Pieces, TheFirstAloneSaysWhichAreMissing) {
    for (const Texts& style : styles()) {
        const Paths parts = write(style);
        std::filesystem::remove(parts[3]);
        EXPECT_THAT(message_of<BadFile>([&] { open_parts({parts[0]}); }),
                    AllOf(HasSubstr(style[0] + ": is the first piece of an index"),
                          HasSubstr(style[3] + " is missing beside it")));
        std::filesystem::remove(parts[4]);
        EXPECT_THAT(message_of<BadFile>([&] { open_parts({parts[0]}); }),
                    AllOf(HasSubstr(style[3]), HasSubstr("missing beside it")));
        const Paths some(parts.begin(), parts.begin() + 3);
        if (style[0].find("of") != std::string::npos) continue;  // names tell how many there are
        try {
            open_parts(some);
            ADD_FAILURE() << style[0];
        } catch (const BadFile& error) {
            EXPECT_THAT(error.what(), HasSubstr("is truncated"));
            EXPECT_THAT(error.hints(), testing::Contains(style[3] + " would be the next part"));
        }
    }
}

TEST_F(Pieces, ALaterOneAloneIsNamedAsSuch) {
    for (const Texts& style : styles()) {
        const Paths parts = write(style);
        const WrongParts error = refusal([&] { open_parts({parts[3]}); });
        EXPECT_THAT(error.what(), HasSubstr(style[3] + ": is piece 4 of 5 of an index, of which " + style[0]));
        EXPECT_THAT(error.in_order(), ElementsAreArray(texts(parts)));
    }
    std::filesystem::remove(folder_ / "part_aa");
    try {
        inspect_index(folder_ / "part_ab");
        ADD_FAILURE();
    } catch (const BadFile& error) {
        EXPECT_THAT(error.hints(), testing::Contains("if it is a later piece of an index: part_aa comes first"));
    }
}

TEST_F(Pieces, OfSeveralFoldersAreHeldToTheirNames) {
    const Paths parts = write({"part_aa", "part_ab", "part_ac"});
    std::filesystem::create_directory(folder_ / "other");
    std::filesystem::rename(parts[1], folder_ / "other" / "part_ab");
    const Paths right = {parts[0], folder_ / "other" / "part_ab", parts[2]};
    EXPECT_EQ(inspect_index(right).count, 400);
    EXPECT_THAT(refusal([&] {
                    open_parts({right[1], right[0], right[2]});
                }).in_order(),
                ElementsAreArray(texts(right)));
}

TEST_F(Pieces, TheSameFileTwiceIsNamed) {
    const Paths parts = write({"one", "two"});
    std::filesystem::create_hard_link(parts[1], folder_ / "three");
    std::filesystem::create_symlink(parts[0], folder_ / "four");
    const std::string one = parts[0].string();
    EXPECT_THAT(refusal([&] {
                    open_parts({parts[0], parts[1], folder_ / "three"});
                }).what(),
                HasSubstr(parts[1].string() + " and " + (folder_ / "three").string() + " are the same file"));
    EXPECT_THAT(refusal([&] { open_parts({parts[0], folder_ / "four"}); }).what(), HasSubstr("are the same file"));
    EXPECT_THAT(refusal([&] { open_parts({parts[0], parts[0]}); }).what(), HasSubstr(one + " is named twice"));
    EXPECT_EQ(open_parts({parts[0], parts[0]}, PartOrder::as_given)->files().size(), 2u);
}

TEST_F(Pieces, SeveralWholeIndexesAreNamedAsThat) {
    const std::string bytes = test::flat_index(test::uniform_rows(5, 8, 5), Metric::l2);
    const Paths parts = {folder_ / "one.index", folder_ / "another.index"};
    for (const auto& part : parts) write_file(part, bytes);
    EXPECT_THAT(message_of<InvalidArgument>([&] { inspect_index(parts); }),
                HasSubstr(parts[0].string() + " and " + parts[1].string() + " are whole indexes by themselves"));
    EXPECT_THROW(inspect_index(parts, PartOrder::as_given), BadFile);
}

/// Whatever lies beside it, a whole index is read alone, and what is none is told as before.
TEST_F(Pieces, AWholeIndexIsNoPiece) {
    const std::string bytes = test::flat_index(test::uniform_rows(5, 8, 5), Metric::l2);
    for (const char* name : {"e5_00", "e5_01", "e5_03"}) write_file(folder_ / name, bytes);
    for (const char* name : {"e5_00", "e5_01", "e5_03"}) {
        EXPECT_THAT(inspect_index(folder_ / name).files, testing::ElementsAre((folder_ / name).string()));
    }
    write_file(folder_ / "e5_00", "IwFl" + bytes.substr(4));
    EXPECT_THAT(message_of<BadFile>([&] { inspect_index(folder_ / "e5_00"); }), HasSubstr("not supported"));
    write_file(folder_ / "notes_2", "text");
    write_file(folder_ / "notes_1", "more of it");
    EXPECT_THAT(message_of<BadFile>([&] { inspect_index(folder_ / "notes_2"); }), HasSubstr("not a Faiss index"));
}

TEST_F(Pieces, AreHeldToTheirOrderWhenAPlanIsReplayed) {
    Paths parts = write(styles()[0]);
    LoadOptions options;
    options.devices = "cpu=64MiB";
    PlacementPlan planned = plan(parts, options);
    EXPECT_EQ(load(planned).plan().index.files, texts(parts));
    planned.index.files = {parts[0].string()};
    EXPECT_EQ(load(planned).plan().index.files, texts(parts));
    std::swap(parts[1], parts[2]);
    planned.index.files = texts(parts);
    refusal([&] { load(planned); });
}

}  // namespace
}  // namespace gpushard
