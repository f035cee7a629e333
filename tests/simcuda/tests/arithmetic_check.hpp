#pragma once

#include <sstream>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "arithmetic_values.hpp"
#include "arithmetic_warp.hpp"

namespace simcuda::test {

/// What is read back of `columns`, and fails where a row differs from reference(row): the bits.
template <typename Reference>
void check_rows(const std::string& spelling, ptx::Type to, const std::vector<Column>& columns,
                const Reference& reference) {
    const std::vector<std::uint64_t> results = computed(spelling, to, columns);
    ASSERT_EQ(results.size(), columns[0].values.size()) << spelling;
    int failures = 0;
    for (std::size_t row = 0; row < results.size() && failures < 3; ++row) {
        const std::uint64_t expected = reference(row);
        if (results[row] == expected) continue;
        ++failures;
        std::ostringstream operands;
        for (const Column& column : columns) operands << " 0x" << std::hex << column.values[row];
        ADD_FAILURE() << spelling << operands.str() << std::hex << " gave 0x" << results[row] << " instead of 0x"
                      << expected;
    }
}

/// Edges and random values of the operand types; reference(operands...) is a To, or its bits.
template <typename To, typename... From, typename Reference>
void check(const std::string& spelling, const Reference& reference) {
    const auto rows = rows_of<From...>();
    std::vector<Column> columns;
    std::apply([&](const auto&... values) { (columns.push_back(column(values)), ...); }, rows);
    check_rows(spelling, type_of<To>(), columns, [&](std::size_t row) {
        return std::apply([&](const auto&... values) { return bits_of<To>(reference(values[row]...)); }, rows);
    });
}

}  // namespace simcuda::test
