#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cublas/product.hpp"
#include "cublas/sgemm.hpp"

namespace cublas {

struct Part {
    int row;
    int column;
    int rows;
    int columns;
};

/// One matrix of a batch, as it is stored: its rows and columns are those before op().
class StoredMatrix {
public:
    /// op(matrix) is op_rows x op_columns; `letter` names it in findings.
    StoredMatrix(const Product& product, char letter, const Matrix& matrix, int op_rows, int op_columns, int index);

    /// Finds it on the card; false, with a finding, where it is not whole within an allocation. Before all that
    /// follows.
    bool reach();
    void declare_read() const;
    void declare_written() const;

    /// Part of op(matrix) in float32: where it lies, or widened into `scratch`.
    Floats floats(Part of_op, std::vector<float>& scratch) const;
    /// Where part of a matrix that is not transposed may be changed in float32: where it lies, or widened into
    /// `scratch`.
    float* open(const Part& part, std::vector<float>& scratch, int& leading) const;
    /// Brings back what was changed.
    void close(const Part& part, const std::vector<float>& scratch) const;

private:
    bool is_f32() const { return matrix_.type == Type::f32; }
    std::ptrdiff_t column_bytes() const;
    std::ptrdiff_t pitch() const;
    template <typename Value>
    Value* first_of(const Part& part) const;
    void widen(const Part& part, std::vector<float>& scratch) const;

    int card_;
    Matrix matrix_;
    int rows_;
    int columns_;
    std::string name_;
    std::byte* host_ = nullptr;
};

}  // namespace cublas
