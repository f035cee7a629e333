#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <gpushard/gpushard.hpp>

#include "support/index_writer.hpp"
#include "support/simulated_cards.hpp"
#include "support/temp_dir.hpp"

namespace gpushard::test {

/// Tests that type their own rig: only on simulated cards, and with nothing left on them afterwards.
class SimulatedRig : public testing::Test {
protected:
    void SetUp() override {
        if (!simulated_cards_are_there()) GTEST_SKIP() << "no simulated cards: these tests type their own";
        set_simulated_cards("4x1GiB");
    }
    void TearDown() override {
        if (!simulated_cards_are_there()) return;
        set_card_faults("");
        for (int card = 0; card < simulated_card_count(); ++card) EXPECT_EQ(card_bytes(card), 0u) << "card " << card;
    }

    std::string path(const std::string& name) const { return (folder_ / name).string(); }

    /// Writes an index of random rows and returns its path.
    std::string write_index(std::int64_t count, std::int32_t dim, Metric metric = Metric::inner_product) {
        const std::string file = path("rows.index");
        write_file(file, flat_index(uniform_rows(count, dim, 1), metric));
        return file;
    }

    TempDir folder_;
};

/// A flat inner product index of so many rows, all zero, in a file without blocks on the disk.
std::filesystem::path write_sparse_index(const TempDir& folder, std::int64_t count, std::int32_t dim);

/// Host memory of this process that belongs to no file, in bytes.
Bytes anonymous_bytes();

/// Each card's peak is within `tolerance` of what the plan says, and not above it.
void expect_planned_peaks(const ShardedIndex& index, double tolerance);

}  // namespace gpushard::test
