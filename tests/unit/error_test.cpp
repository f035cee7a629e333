#include <gtest/gtest.h>

#include <gpushard/error.hpp>

namespace gpushard {
namespace {

template <typename Value>
Value field(const Error& error, const std::string& name) {
    for (const auto& [key, value] : error.fields()) {
        if (key == name) return std::get<Value>(value);
    }
    throw std::out_of_range("no field " + name);
}

TEST(Error, EveryClassHasItsKind) {
    EXPECT_EQ(InvalidArgument("x").kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(BadFile("x").kind(), ErrorKind::bad_file);
    EXPECT_EQ(FileChanged("x").kind(), ErrorKind::bad_file);
    EXPECT_EQ(InsufficientMemory("x", 1).kind(), ErrorKind::insufficient_memory);
    EXPECT_EQ(DeviceError("cuda:0", "x").kind(), ErrorKind::device);
    EXPECT_EQ(Cancelled("x").kind(), ErrorKind::cancelled);
}

TEST(Error, KindsAreSpelledAsInJson) {
    EXPECT_EQ(to_string(ErrorKind::invalid_argument), "invalid_argument");
    EXPECT_EQ(to_string(ErrorKind::insufficient_memory), "insufficient_memory");
    EXPECT_EQ(to_string(ErrorKind::bad_file), "bad_file");
    EXPECT_EQ(to_string(ErrorKind::device), "device");
    EXPECT_EQ(to_string(ErrorKind::cancelled), "cancelled");
    EXPECT_EQ(to_string(ErrorKind::internal), "internal");
}

TEST(Error, IsCaughtByItsBases) {
    EXPECT_THROW(throw FileChanged("x"), BadFile);
    EXPECT_THROW(throw BadFile("x"), Error);
    EXPECT_THROW(throw Cancelled("x"), std::runtime_error);
}

TEST(Error, CarriesHintsAndFields) {
    const InvalidArgument error("wrong", {"try this", "or that"}, {{"k", std::int64_t{7}}, {"ratio", 0.5}});
    EXPECT_STREQ(error.what(), "wrong");
    EXPECT_EQ(error.hints(), (std::vector<std::string>{"try this", "or that"}));
    EXPECT_EQ(field<std::int64_t>(error, "k"), 7);
    EXPECT_EQ(field<double>(error, "ratio"), 0.5);
}

TEST(Error, BadFieldNamesFileOffsetValueAndExpectation) {
    const BadFile error = BadFile::field("big.index", 8, "dimension", "-3", "1 to 2^20");
    EXPECT_STREQ(error.what(), "big.index: dimension at offset 8 is -3, expected 1 to 2^20");
    EXPECT_EQ(field<std::string>(error, "file"), "big.index");
    EXPECT_EQ(field<std::int64_t>(error, "offset"), 8);
    EXPECT_EQ(field<std::string>(error, "field"), "dimension");
    EXPECT_EQ(field<std::string>(error, "value"), "-3");
    EXPECT_EQ(field<std::string>(error, "expected"), "1 to 2^20");
}

TEST(Error, InsufficientMemoryKeepsItsReport) {
    const InsufficientMemory error("too small", 12, {{"cuda:0", 30, 18, 12}}, {{"less", "--less", 10, 20}},
                                   {{"count", std::int64_t{5}}});
    EXPECT_EQ(error.short_bytes(), 12u);
    ASSERT_EQ(error.devices().size(), 1u);
    EXPECT_EQ(error.devices().front().device, "cuda:0");
    EXPECT_EQ(error.devices().front().short_bytes, 12u);
    ASSERT_EQ(error.alternatives().size(), 1u);
    EXPECT_EQ(error.alternatives().front().flags, "--less");
    EXPECT_EQ(field<std::int64_t>(error, "count"), 5);
}

TEST(Error, DeviceErrorNamesTheDeviceFirst) {
    const DeviceError error("cuda:1", "cuda:1 is lost", {"reset it"}, {{"call", std::string("cudaMemcpy")}});
    EXPECT_EQ(error.device(), "cuda:1");
    EXPECT_EQ(error.fields().front().first, "device");
    EXPECT_EQ(field<std::string>(error, "device"), "cuda:1");
    EXPECT_EQ(field<std::string>(error, "call"), "cudaMemcpy");
}

}  // namespace
}  // namespace gpushard
