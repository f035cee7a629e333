#include "cublas/stored_matrix.hpp"

#include <algorithm>
#include <cstdint>

#include "cublas/half.hpp"
#include "runtime/neighbours.h"

namespace cublas {
namespace {

using Bytes = unsigned long long;

float widened(Type type, std::uint16_t value) { return type == Type::f16 ? widen_f16(value) : widen_bf16(value); }

std::uint16_t rounded(Type type, float value) { return type == Type::f16 ? round_to_f16(value) : round_to_bf16(value); }

}  // namespace

StoredMatrix::StoredMatrix(const Product& product, char letter, const Matrix& matrix, int op_rows, int op_columns,
                           int index)
    : card_(product.card),
      matrix_(matrix),
      rows_(matrix.transposed ? op_columns : op_rows),
      columns_(matrix.transposed ? op_rows : op_columns),
      name_(std::string(product.function) + ": matrix " + letter + ", " + std::to_string(rows_) + " x " +
            std::to_string(columns_) + ", leading dimension " + std::to_string(matrix.leading)) {
    matrix_.data = static_cast<std::byte*>(matrix.data) + index * matrix.stride * bytes_of(matrix.type);
}

std::ptrdiff_t StoredMatrix::column_bytes() const { return rows_ * bytes_of(matrix_.type); }

std::ptrdiff_t StoredMatrix::pitch() const { return matrix_.leading * bytes_of(matrix_.type); }

bool StoredMatrix::reach() {
    const std::ptrdiff_t bytes = (columns_ - 1) * pitch() + column_bytes();
    host_ = static_cast<std::byte*>(simcuda_reach(card_, matrix_.data, static_cast<Bytes>(bytes), name_.c_str()));
    return host_ != nullptr;
}

void StoredMatrix::declare_read() const {
    simcuda_reads(card_, matrix_.data, static_cast<Bytes>(column_bytes()), static_cast<Bytes>(pitch()),
                  static_cast<Bytes>(columns_), name_.c_str());
}

void StoredMatrix::declare_written() const {
    simcuda_writes(card_, matrix_.data, static_cast<Bytes>(column_bytes()), static_cast<Bytes>(pitch()),
                   static_cast<Bytes>(columns_));
}

template <typename Value>
Value* StoredMatrix::first_of(const Part& part) const {
    return reinterpret_cast<Value*>(host_) + part.row + static_cast<std::ptrdiff_t>(part.column) * matrix_.leading;
}

void StoredMatrix::widen(const Part& part, std::vector<float>& scratch) const {
    scratch.resize(static_cast<std::size_t>(part.rows) * static_cast<std::size_t>(part.columns));
    const auto* first = first_of<std::uint16_t>(part);
    for (std::ptrdiff_t i = 0; i < part.columns; ++i) {
        const auto* column = first + i * matrix_.leading;
        std::transform(column, column + part.rows, scratch.data() + i * part.rows,
                       [type = matrix_.type](std::uint16_t value) { return widened(type, value); });
    }
}

Floats StoredMatrix::floats(Part part, std::vector<float>& scratch) const {
    if (matrix_.transposed) part = {part.column, part.row, part.columns, part.rows};
    if (is_f32()) return {first_of<float>(part), matrix_.leading, matrix_.transposed};
    widen(part, scratch);
    return {scratch.data(), part.rows, matrix_.transposed};
}

float* StoredMatrix::open(const Part& part, std::vector<float>& scratch, int& leading) const {
    leading = is_f32() ? matrix_.leading : part.rows;
    if (is_f32()) return first_of<float>(part);
    widen(part, scratch);
    return scratch.data();
}

void StoredMatrix::close(const Part& part, const std::vector<float>& scratch) const {
    if (is_f32()) return;
    auto* first = first_of<std::uint16_t>(part);
    for (std::ptrdiff_t i = 0; i < part.columns; ++i) {
        const float* column = scratch.data() + i * part.rows;
        std::transform(column, column + part.rows, first + i * matrix_.leading,
                       [type = matrix_.type](float value) { return rounded(type, value); });
    }
}

}  // namespace cublas
