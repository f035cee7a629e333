#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gpushard::cli {

/// The number types that arrays of queries are kept in.
enum class ElementType { f16, bf16, f32, f64, i8, u8, i16, u16, i32, u32, i64, u64, boolean };

/// An element as it stands in a file.
struct StoredElement {
    ElementType type = ElementType::f32;
    bool big_endian = false;

    std::size_t bytes() const;
    bool operator==(const StoredElement&) const = default;
};

/// NumPy's spelling: "<f4", ">f8", "|u1". Nothing for what is no number (complex, text, objects, dates).
std::optional<StoredElement> element_of_numpy(std::string_view descr);

/// The spelling of safetensors: "F32", "BF16", "I8". Nothing for others.
std::optional<ElementType> element_of_safetensors(std::string_view dtype);

/// The nearest float32 of each of `count` elements at `from`, of any alignment. Values beyond float32 become infinite.
void convert_to_float(StoredElement element, const std::byte* from, std::size_t count, float* to);

}  // namespace gpushard::cli
