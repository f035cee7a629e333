#include <functional>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <gpushard/error.hpp>
#include <gpushard/placement_planner.hpp>
#include <gpushard/report.hpp>
#include <gpushard/version.hpp>

#include "support/errors.hpp"
#include "support/index_writer.hpp"
#include "support/temp_dir.hpp"

namespace gpushard {
namespace {

using test::message_of;
using test::TempDir;
using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::Le;
using testing::Not;
using testing::SizeIs;
using Json = nlohmann::json;

IndexProfile small_index() {
    IndexProfile index;
    index.files = {"small.index"};
    index.bytes = 45 + 100'000 * 64 * 4;
    index.fourcc = "IxF2";
    index.dim = 64;
    index.count = 100'000;
    index.metric = Metric::l2;
    index.payload_offset = 45;
    index.payload_bytes = 100'000 * 64 * 4;
    return index;
}

DeviceInfo host_part(const std::string& spec, Bytes bytes) {
    DeviceInfo device;
    device.spec = spec;
    device.name = "host memory";
    device.total_bytes = device.free_bytes = bytes;
    device.bytes_per_second = 25e9;
    return device;
}

DeviceInfo typed_card(int ordinal, Bytes bytes) {
    DeviceInfo card;
    card.spec = "cuda:" + std::to_string(ordinal);
    card.name = "A100 40 GB";
    card.uuid = "GPU-" + std::to_string(ordinal);
    card.pci = "0000:3b:00." + std::to_string(ordinal);
    card.kind = DeviceKind::cuda;
    card.total_bytes = bytes;
    card.free_bytes = bytes;
    card.context_bytes = 1_MiB;
    card.bytes_per_second = 1555e9;
    return card;
}

PlacementPlan small_plan(PlanOptions options = {}) {
    PlacementPlan plan = plan_placement(
        small_index(), {host_part("cpu=16MiB", 16_MiB), host_part("cpu=64MiB", 64_MiB), typed_card(0, 2_GiB)}, options);
    plan.fingerprint = "0123456789abcdef0123456789abcdef";
    return plan;
}

PlanOptions replicated() {
    PlanOptions options;
    options.strategy = Strategy::replicate;
    options.replicas = 2;
    options.precision = PrecisionChoice::f16;
    options.reserve_bytes = 4096;
    options.k = 17;
    return options;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::size_t begin = 0;
    for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
        lines.push_back(text.substr(begin, end - begin));
    }
    EXPECT_EQ(begin, text.size()) << "the last line has no newline";
    return lines;
}

std::vector<std::size_t> widths_of(const std::string& text) {
    std::vector<std::size_t> widths;
    for (const std::string& line : lines_of(text)) widths.push_back(line.size());
    return widths;
}

void expect_header(const Json& json) {
    EXPECT_EQ(json["schema_version"], schema_version);
    EXPECT_EQ(json["gpushard_version"], version());
    EXPECT_EQ(json["faiss_version"], faiss_version());
}

TEST(ReportProfile, JsonHasEveryField) {
    const Json json = Json::parse(to_json(small_index()));
    expect_header(json);
    EXPECT_EQ(json["file"], "small.index");
    EXPECT_EQ(json["bytes"], 25600045);
    EXPECT_EQ(json["type"], "flat");
    EXPECT_EQ(json["fourcc"], "IxF2");
    EXPECT_EQ(json["dim"], 64);
    EXPECT_EQ(json["count"], 100000);
    EXPECT_EQ(json["metric"], "l2");
    EXPECT_EQ(json["payload_bytes"], 25600000);
    EXPECT_EQ(json["payload_offset"], 45);
    EXPECT_EQ(json["chain"], Json::array());
}

TEST(ReportProfile, TextIsForPeople) {
    const std::string text = to_text(small_index());
    EXPECT_THAT(text, AllOf(HasSubstr("small.index"), HasSubstr("flat (IxF2)"), HasSubstr("100,000 x 64 f32"),
                            HasSubstr("25,600,045 bytes")));
}

TEST(ReportProfile, ANameCannotBreakTheTextOrTheJson) {
    IndexProfile index = small_index();
    index.files = {"bad\nname\x1b[31m\xff.index"};
    EXPECT_THAT(lines_of(to_text(index)), SizeIs(lines_of(to_text(small_index())).size()));
    EXPECT_THAT(to_text(index), Not(HasSubstr("\x1b")));
    EXPECT_NO_THROW(Json::parse(to_json(index)));
}

TEST(ReportPlan, JsonHasEveryField) {
    const PlacementPlan plan = small_plan();
    const Json json = Json::parse(to_json(plan));
    expect_header(json);
    EXPECT_EQ(json["fits"], true);
    EXPECT_EQ(json["precision"], "f32");
    EXPECT_EQ(json["strategy"], "balanced");
    EXPECT_EQ(json["fingerprint"], plan.fingerprint);
    ASSERT_EQ(json["devices"].size(), 3u);
    const Json& device = json["devices"][2];
    const ShardPlacement& placement = plan.devices[2];
    EXPECT_EQ(device["spec"], "cuda:0");
    EXPECT_EQ(device["name"], "A100 40 GB");
    EXPECT_EQ(device["kind"], "cuda");
    EXPECT_EQ(device["total_bytes"], 2_GiB);
    EXPECT_EQ(device["free_bytes"], 2_GiB);
    EXPECT_EQ(device["reserve_bytes"], 256_MiB);
    EXPECT_EQ(device["context_bytes"], 1_MiB);
    EXPECT_EQ(device["usable_bytes"], 2_GiB - 257_MiB);
    EXPECT_EQ(device["resident_bytes"], placement.memory.resident);
    EXPECT_EQ(device["fixed_bytes"], placement.memory.fixed);
    EXPECT_EQ(device["scratch_bytes"], placement.memory.scratch);
    EXPECT_EQ(device["load_peak_bytes"], placement.memory.load_peak());
    EXPECT_EQ(device["search_peak_bytes"], placement.memory.search_peak());
    EXPECT_EQ(device["peak_bytes"], placement.memory.peak());
    EXPECT_EQ(device["rows"], Json::array({placement.rows.begin, placement.rows.end}));
    EXPECT_DOUBLE_EQ(device["share"], placement.share);
    EXPECT_EQ(device["group"], 0);
    EXPECT_EQ(device["centring"], "if far");
    EXPECT_EQ(json["devices"][0]["centring"], "none");
    EXPECT_EQ(json["host_staging_bytes"], plan.host_staging_bytes);
    EXPECT_EQ(json["host_resident_bytes"], plan.host_resident_bytes);
    EXPECT_EQ(json["host_search_bytes"], plan.host_search_bytes);
    EXPECT_GT(plan.host_search_bytes, 0u);
    EXPECT_EQ(json["totals"]["host_peak_bytes"], plan.host_peak_bytes());
    EXPECT_EQ(json["totals"]["resident_bytes"], plan.totals().resident);
    EXPECT_EQ(json["stock_faiss"]["outcome"], to_string(plan.stock_faiss.outcome));
    EXPECT_EQ(json["stock_faiss"]["peak_bytes"].size(), 1u);
    EXPECT_EQ(json["stock_faiss"]["message"], plan.stock_faiss.message);
    EXPECT_EQ(to_json(plan), to_json(plan));
}

TEST(ReportPlan, TextHasALineAndABarForEachDeviceWithinTheWidthOfAScreen) {
    const std::string text = to_text(small_plan());
    EXPECT_THAT(widths_of(text), Each(Le(100u)));
    for (const char* part : {"100,000 x 64, l2, f32, balanced over", "cpu=16MiB", "cuda:0", "total", "[#",
                             "stock Faiss", "staging", "a batch of 256 reads a shard once"}) {
        EXPECT_THAT(text, HasSubstr(part));
    }
    EXPECT_EQ(text.find_first_not_of("\n\x20!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
                                     "abcdefghijklmnopqrstuvwxyz{|}~"),
              std::string::npos);
}

TEST(ReportPlan, ReplicasShowTheirGroup) {
    EXPECT_THAT(to_text(small_plan(replicated())),
                AllOf(HasSubstr("group"), HasSubstr("replicate x 2"), HasSubstr("f32 -> f16")));
}

TEST(ReportPlan, SaysWhichDevicesHoldRowsLessACentre) {
    EXPECT_THAT(to_text(small_plan()),
                HasSubstr("  centring     cards hold rows less the mean of a sample where rows lie far from zero\n"));
    EXPECT_THAT(to_text(small_plan(replicated())),
                HasSubstr("  centring     every device holds rows less the mean of a sample\n"));
    const Json plan = Json::parse(to_json(small_plan(replicated())));
    for (const Json& device : plan["devices"]) {
        EXPECT_EQ(device["centring"], "always");
    }
    EXPECT_THAT(to_text(plan_placement(small_index(), {host_part("cpu", 1_GiB)})), Not(HasSubstr("centring")));
}

TEST(ReadPlan, GivesBackWhatWasWritten) {
    for (const PlanOptions& options : {PlanOptions{}, replicated()}) {
        const PlacementPlan plan = small_plan(options);
        const std::string json = to_json(plan);
        const PlacementPlan again = plan_from_json(json);
        EXPECT_EQ(to_json(again), json);
        EXPECT_EQ(again.index.files, plan.index.files);
        EXPECT_EQ(again.devices[1].rows, plan.devices[1].rows);
        EXPECT_EQ(again.devices[1].memory, plan.devices[1].memory);
        EXPECT_EQ(again.devices[1].tile, plan.devices[1].tile);
        EXPECT_EQ(again.devices[2].device.bytes_per_second, plan.devices[2].device.bytes_per_second);
        EXPECT_EQ(again.devices[2].device.uuid, plan.devices[2].device.uuid);
        EXPECT_EQ(again.stock_faiss, plan.stock_faiss);
        EXPECT_EQ(again.options.reserve_bytes, plan.options.reserve_bytes);
    }
}

PlacementPlan spilling_plan() {
    PlanOptions options;
    options.spill_bytes = 20_MiB;
    PlacementPlan plan = plan_placement(small_index(), {host_part("cpu=16MiB", 16_MiB)}, options);
    EXPECT_TRUE(plan.spilled);
    return plan;
}

TEST(ReadPlan, KnowsWhatWasSpilled) {
    const std::string json = to_json(spilling_plan());
    const PlacementPlan again = plan_from_json(json);
    EXPECT_TRUE(again.spilled);
    EXPECT_EQ(again.options.spill_bytes, 20_MiB);
    EXPECT_EQ(again.devices.back().device.spec, "cpu=20MiB");
    EXPECT_EQ(to_json(again), json);
    EXPECT_THAT(to_text(again), HasSubstr("cpu=20MiB"));

    Json earlier = Json::parse(json);
    earlier.erase("spilled");
    earlier["options"].erase("spill_bytes");
    EXPECT_FALSE(plan_from_json(earlier.dump()).spilled) << "as plans were written before there was a spill";
    Json edited = Json::parse(json);
    edited["options"]["spill_bytes"] = 21_MiB;
    EXPECT_THROW(plan_from_json(edited.dump()), BadFile);
    edited = Json::parse(to_json(small_plan()));
    edited["spilled"] = true;
    EXPECT_THROW(plan_from_json(edited.dump()), BadFile);
}

TEST(ReadPlan, ReadsTheReportOfALoad) {
    const PlacementPlan plan = small_plan();
    LoadReport report;
    report.devices.resize(plan.devices.size());
    EXPECT_EQ(to_json(plan_from_json(to_json(plan, report))), to_json(plan));
}

TEST(ReadPlan, GivesAPlanOfAVersionBeforeWhatItDidNotPlan) {
    const std::string now = to_json(small_plan());
    Json before = Json::parse(now);
    before.erase("host_search_bytes");
    before["totals"].erase("host_peak_bytes");
    EXPECT_EQ(to_json(plan_from_json(before.dump())), now);
}

TEST(ReadPlan, ReadsAnEmptyIndex) {
    IndexProfile index = small_index();
    index.count = 0;
    index.payload_bytes = 0;
    const std::string json = to_json(plan_placement(index, {host_part("cpu", 1_GiB)}));
    EXPECT_EQ(to_json(plan_from_json(json)), json);
}

/// Replaces one value of a good plan, and expects the refusal to name its place.
void expect_refused(const std::string& pointer, const Json& value, const PlanOptions& options = {}) {
    Json json = Json::parse(to_json(small_plan(options)));
    const Json::json_pointer place(pointer);
    ASSERT_TRUE(json.contains(place)) << pointer;
    json[place] = value;
    std::string path;
    for (const char c : pointer.substr(1)) path += c == '/' ? '.' : c;
    const std::string last = path.substr(path.rfind('.') + 1);
    const std::string message = message_of<BadFile>([&] { plan_from_json(json.dump(), "edited.json"); });
    EXPECT_EQ(message.rfind("edited.json: ", 0), 0u) << message;
    EXPECT_THAT(message, HasSubstr("expected")) << pointer;
}

TEST(ReadPlan, KnowsWhatIsCentred) {
    Json edited = Json::parse(to_json(small_plan()));
    for (Json& device : edited["devices"]) device.erase("centring");
    EXPECT_EQ(to_json(plan_from_json(edited.dump())), to_json(small_plan())) << "as plans were written before";
    expect_refused("/devices/2/centring", "always");
    expect_refused("/devices/0/centring", "if far");
    expect_refused("/devices/2/centring", "none", replicated());
}

TEST(ReadPlan, RefusesEveryFieldOfAnotherType) {
    const Json plan = Json::parse(to_json(small_plan()));
    const Json flat = plan.flatten();
    for (const auto& [pointer, value] : flat.items()) {
        if (pointer.find("_version") != std::string::npos && pointer != "/schema_version") continue;
        for (const Json& wrong :
             {Json("x"), Json(-1), Json(1e300), Json(nullptr), Json::array({1, 2, 3}), Json::object()}) {
            const bool still_right = (value.is_string() && wrong == "x") || (value.is_null() && wrong.is_null()) ||
                                     (value.is_array() && wrong.is_array()) || pointer == "/totals/load_peak_bytes" ||
                                     pointer == "/totals/search_peak_bytes" || pointer == "/index/file" ||
                                     (pointer == "/index/metric_arg" && wrong.is_number() && wrong == -1);
            if (still_right) continue;
            Json edited = plan;
            edited[Json::json_pointer(pointer)] = wrong;
            EXPECT_THROW(plan_from_json(edited.dump()), BadFile) << pointer << " = " << wrong;
        }
    }
}

TEST(ReadPlan, RefusesEveryFieldThatIsMissing) {
    const Json plan = Json::parse(to_json(small_plan()));
    const auto refused_without = [&](const std::string& pointer) {
        Json edited = plan;
        const Json::json_pointer place(pointer);
        edited[place.parent_pointer()].erase(place.back());
        const std::string message = message_of<BadFile>([&] { plan_from_json(edited.dump()); });
        EXPECT_THAT(message, HasSubstr("is missing")) << pointer;
    };
    for (const char* key : {"/schema_version", "/fits", "/precision", "/strategy", "/index", "/fingerprint", "/options",
                            "/devices", "/host_staging_bytes", "/host_resident_bytes", "/totals", "/stock_faiss"}) {
        refused_without(key);
    }
    for (const char* key : {"spec", "name", "total_bytes", "reserve_bytes", "rows", "tile", "group", "share",
                            "resident_bytes", "fixed_bytes", "scratch_bytes", "peak_bytes", "usable_bytes"}) {
        refused_without(std::string("/devices/1/") + key);
    }
}

TEST(ReadPlan, RefusesNumbersThatDoNotFitTheOthers) {
    const PlacementPlan plan = small_plan();
    const RowRange rows = plan.devices[1].rows;
    ASSERT_GT(rows.count(), 1000);
    expect_refused("/schema_version", 2);
    expect_refused("/fits", false);
    expect_refused("/precision", "f16");
    expect_refused("/strategy", "fewest");
    expect_refused("/index/dim", 63);
    expect_refused("/index/dim", 0);
    expect_refused("/index/dim", 1 << 30);
    expect_refused("/index/count", 99'999);
    expect_refused("/index/count", std::numeric_limits<std::int64_t>::max());
    expect_refused("/index/payload_bytes", 1);
    expect_refused("/index/payload_offset", 46);
    expect_refused("/index/metric", "cosine");
    expect_refused("/index/stored", "f64");
    expect_refused("/index/type", "ivf");
    expect_refused("/fingerprint", "0123");
    expect_refused("/fingerprint", "0123456789abcdef0123456789abcdeg");
    expect_refused("/options/k", 0);
    expect_refused("/options/k", std::numeric_limits<std::int64_t>::max());
    expect_refused("/options/max_batch", 0);
    expect_refused("/options/max_batch", 1);
    expect_refused("/options/replicas", 2);
    expect_refused("/options/min_devices", 0);
    expect_refused("/devices/1/kind", "tpu");
    expect_refused("/devices/1/spec", "");
    expect_refused("/devices/1/free_bytes", 65_MiB);
    expect_refused("/devices/1/free_bytes", 1_MiB);
    expect_refused("/devices/1/memory_bytes_per_second", -1.0);
    expect_refused("/devices/1/reserve_bytes", 63_MiB);
    expect_refused("/devices/1/rows", Json::array({rows.begin, rows.end - 1}));
    expect_refused("/devices/1/rows", Json::array({rows.begin + 1, rows.end}));
    expect_refused("/devices/1/rows", Json::array({rows.end, rows.begin}));
    expect_refused("/devices/1/rows", Json::array({rows.begin, 100'001}));
    expect_refused("/devices/1/rows", Json::array({rows.begin}));
    expect_refused("/devices/1/share", plan.devices[1].share + 0.01);
    expect_refused("/devices/1/group", 1);
    expect_refused("/devices/1/group", -1);
    expect_refused("/devices/1/tile/rows", 0);
    expect_refused("/devices/1/tile/rows", rows.count() + 1);
    expect_refused("/devices/1/tile/queries", 257);
    expect_refused("/devices/1/tile/queries", 1);
    for (const char* field : {"resident_bytes", "fixed_bytes", "scratch_bytes", "load_peak_bytes", "search_peak_bytes",
                              "peak_bytes", "usable_bytes"}) {
        expect_refused(std::string("/devices/1/") + field, 12345);
    }
    expect_refused("/totals/resident_bytes", 1);
    expect_refused("/totals/used_devices", 9);
    expect_refused("/host_resident_bytes", 1);
    expect_refused("/host_search_bytes", 1);
    expect_refused("/totals/host_peak_bytes", 1);
    expect_refused("/stock_faiss/outcome", "maybe");
    expect_refused("/stock_faiss/peak_bytes", Json::array({-1}));
}

TEST(ReadPlan, RefusesADeviceThatIsPlannedAboveWhatItMayUse) {
    Json json = Json::parse(to_json(small_plan()));
    json["devices"][1]["free_bytes"] = 256_KiB;
    json["devices"][1]["usable_bytes"] = 256_KiB;
    EXPECT_THAT(message_of<BadFile>([&] { plan_from_json(json.dump(), "p"); }),
                AllOf(HasSubstr("p: devices[1].peak_bytes is "), HasSubstr("expected at most usable_bytes, 262144")));
}

TEST(ReadPlan, RefusesRowsThatAreMissingOrThereTwice) {
    Json json = Json::parse(to_json(small_plan(replicated())));
    std::size_t used = 0;
    while (json["devices"][used]["rows"] == Json::array({0, 0})) ++used;
    json["devices"].erase(used);
    EXPECT_THAT(message_of<BadFile>([&] { plan_from_json(json.dump()); }), HasSubstr("every row once in group"));

    Json twice = Json::parse(to_json(small_plan()));
    twice["devices"].push_back(twice["devices"][1]);
    EXPECT_THAT(message_of<BadFile>([&] { plan_from_json(twice.dump()); }), HasSubstr("is there twice"));

    Json none = Json::parse(to_json(small_plan()));
    none["devices"] = Json::array();
    EXPECT_THAT(message_of<BadFile>([&] { plan_from_json(none.dump()); }), HasSubstr("at least one device"));
}

TEST(ReadPlan, RefusesWhatIsNoPlan) {
    EXPECT_THAT(message_of<BadFile>([] { plan_from_json("", "p"); }), HasSubstr("p: is not JSON"));
    EXPECT_THAT(message_of<BadFile>([] { plan_from_json("{\"a\": ", "p"); }), HasSubstr("byte 7"));
    EXPECT_THAT(message_of<BadFile>([] { plan_from_json("[]"); }), HasSubstr("an object"));
    EXPECT_THAT(message_of<BadFile>([] { plan_from_json("{\"schema_version\": 1e999}"); }), HasSubstr("out of range"));
    EXPECT_THAT(message_of<BadFile>([] { plan_from_json(std::string(100'000, '[')); }), HasSubstr("deeper than"));
    EXPECT_THAT(message_of<BadFile>([] { plan_from_json(to_json(small_index())); }), HasSubstr("fits is missing"));
    const std::string json = to_json(small_plan());
    for (std::size_t length = 0; length + 2 < json.size(); length += 97) {
        EXPECT_THROW(plan_from_json(json.substr(0, length)), BadFile) << length;
    }
}

/// Values of every kind in numbers that a reader which looks back at each of them would never be done with.
TEST(ReadPlan, IsReadInTimeLinearInItsLength) {
    const std::pair<const char*, int> cases[] = {
        {"{}", 900'000}, {"[]", 100'000}, {"{\"a\":{}}", 100'000}, {"null", 100'000}};
    for (const auto& [value, count] : cases) {
        std::string text = "[1";
        for (int i = 0; i < count; ++i) text += std::string(",") + value;
        EXPECT_THAT(message_of<BadFile>([&] { plan_from_json(text + "]"); }),
                    HasSubstr("an array of " + std::to_string(count + 1)));
    }
}

TEST(ReadPlan, RefusesWhatIsNestedTooDeep) {
    const auto nested = [](std::size_t depth, const char* open, const char* close) {
        std::string text;
        for (std::size_t i = 0; i < depth; ++i) text += open;
        text += "0";
        for (std::size_t i = 0; i < depth; ++i) text += close;
        return text;
    };
    for (const auto& [open, close] : {std::pair{"[", "]"}, std::pair{"{\"a\":", "}"}}) {
        EXPECT_THAT(message_of<BadFile>([&] { plan_from_json(nested(16, open, close)); }), Not(HasSubstr("deeper")));
        for (const std::size_t depth : {17, 1000, 1'000'000}) {
            EXPECT_THAT(message_of<BadFile>([&] { plan_from_json(nested(depth, open, close)); }),
                        HasSubstr("is nested deeper than 16 levels"));
        }
    }
}

/// A path is bytes; a plan brings back those it was given, and still is JSON of printable text.
TEST(ReadPlan, GivesBackPathsOfAnyBytes) {
    std::mt19937 random(11);
    for (int round = 0; round < 300; ++round) {
        PlacementPlan plan = small_plan();
        plan.index.files.clear();
        for (int i = 0; i < 3; ++i) {
            std::string path = i == 0 ? "/plain/%41\xc3\xa9" : "/";
            for (std::size_t length = random() % 40; length > 0; --length) {
                path += static_cast<char>(1 + random() % 255);
            }
            plan.index.files.push_back(path);
        }
        const std::string json = to_json(plan);
        ASSERT_EQ(plan_from_json(json).index.files, plan.index.files) << json;
        ASSERT_EQ(to_json(plan_from_json(json)), json);
    }
    EXPECT_FALSE(Json::parse(to_json(small_plan()))["index"].contains("files_percent_encoded"));
}

TEST(ReadPlan, RefusesPathsThatContradictEachOtherOrAreNone) {
    PlacementPlan plan = small_plan();
    plan.index.files = {"bad\xff.index"};
    const Json good = Json::parse(to_json(plan));
    EXPECT_EQ(good["index"]["files_percent_encoded"][0], "bad%FF.index");
    struct Case {
        const char* key;
        Json value;
        const char* told;
    };
    const Case cases[] = {
        {"files_percent_encoded", Json::array({"other%FF.index"}), "files_percent_encoded[0]"},
        {"files_percent_encoded", Json::array({"bad%F"}), "two hexadecimal digits"},
        {"files_percent_encoded", Json::array({"bad%G0.index"}), "two hexadecimal digits"},
        {"files_percent_encoded", Json::array(), "1 elements"},
        {"files_percent_encoded", Json::array({7}), "a text"},
        {"files", Json::array({"moved.index"}), "files_percent_encoded[0]"},
        {"files", Json::array({""}), "files"},
    };
    for (const Case& one : cases) {
        Json json = good;
        json["index"][one.key] = one.value;
        EXPECT_THAT(message_of<BadFile>([&] { plan_from_json(json.dump()); }), HasSubstr(one.told));
    }
    Json json = Json::parse(to_json(small_plan()));
    for (const std::string& path : {std::string(), std::string("a\0b", 3)}) {
        json["index"]["files"] = Json::array({path});
        EXPECT_THAT(message_of<BadFile>([&] { plan_from_json(json.dump()); }), HasSubstr("expected a path"));
    }
}

TEST(ReadPlan, RefusesTooMuch) {
    std::string zeros = "[0";
    for (int i = 0; i < 5'000'000; ++i) zeros += ",0";
    EXPECT_THAT(message_of<BadFile>([&] { plan_from_json(zeros + "]"); }), HasSubstr("more than 4000000 values"));
    EXPECT_THAT(message_of<BadFile>([] { plan_from_json(std::string((64 << 20) + 1, ' ')); }), HasSubstr("67108865"));
}

TEST(ReadPlan, ReadsFiles) {
    const TempDir folder;
    test::write_file(folder / "plan.json", to_json(small_plan()));
    EXPECT_EQ(to_json(read_plan(folder / "plan.json")), to_json(small_plan()));
    EXPECT_THAT(message_of<BadFile>([&] { read_plan(folder / "absent.json"); }),
                AllOf(HasSubstr("absent.json"), HasSubstr("No such file")));
    EXPECT_THAT(message_of<BadFile>([&] { read_plan(folder.path()); }), HasSubstr("is a folder"));
}

TEST(ReadRig, GivesBackWhatWasWritten) {
    const std::vector<DeviceInfo> rig = {host_part("cpu", 1_GiB), typed_card(3, 40_GiB)};
    const std::vector<DeviceInfo> again = rig_from_json(to_json(rig));
    ASSERT_EQ(again.size(), 2u);
    EXPECT_EQ(again[1].spec, "cuda:3");
    EXPECT_EQ(again[1].uuid, rig[1].uuid);
    EXPECT_EQ(again[1].pci, rig[1].pci);
    EXPECT_EQ(again[1].kind, DeviceKind::cuda);
    EXPECT_EQ(again[1].context_bytes, 1_MiB);
    EXPECT_EQ(again[1].bytes_per_second, rig[1].bytes_per_second);
    EXPECT_TRUE(again[0].planning_only);
    EXPECT_TRUE(again[1].planning_only);
}

/// Half of it is held by others.
DeviceInfo used_card() {
    DeviceInfo card = typed_card(0, 40_GiB);
    card.spec = "cuda:0";
    card.free_bytes = 10_GiB;
    card.context_bytes = 400_MiB;
    card.context_measured = true;
    card.compute_capability = "8.0";
    card.numa_node = 1;
    card.peers = {"cuda:1", "cuda:3"};
    card.holders = {{4711, "python3", 20_GiB}, {12, "", 1_GiB}, {13, "Xorg", 0}};
    return card;
}

TEST(ReadRig, GivesBackWhatIsToldOfCardsOnly) {
    const DeviceInfo card = used_card();
    const DeviceInfo again = rig_from_json(to_json(std::vector<DeviceInfo>{card})).front();
    EXPECT_EQ(again.context_bytes, 400_MiB);
    EXPECT_TRUE(again.context_measured);
    EXPECT_EQ(again.compute_capability, "8.0");
    EXPECT_EQ(again.numa_node, 1);
    EXPECT_EQ(again.peers, card.peers);
    EXPECT_EQ(again.holders, card.holders);

    const std::vector<DeviceInfo> bare =
        rig_from_json(R"({"devices": [{"spec": "cuda:0", "name": "own card", "total_bytes": 1024}]})");
    EXPECT_FALSE(bare[0].context_measured);
    EXPECT_EQ(bare[0].numa_node, -1);
    EXPECT_TRUE(bare[0].holders.empty());

    const auto refusal = [](const std::string& more) {
        return message_of<BadFile>([&] {
            rig_from_json(R"({"devices": [{"spec": "cuda:0", "name": "b", "total_bytes": 5, )" + more + "}]}", "rig");
        });
    };
    EXPECT_THAT(refusal(R"("holders": [{"name": "x"}])"), HasSubstr("devices[0].holders[0].pid is missing"));
    EXPECT_THAT(refusal(R"("holders": [{"pid": -1}])"), HasSubstr("devices[0].holders[0].pid is -1"));
    EXPECT_THAT(refusal(R"("peers": [1])"), HasSubstr("peers"));
    EXPECT_THAT(refusal(R"("numa_node": -1)"), HasSubstr("numa_node is -1"));
    EXPECT_THAT(refusal(R"("context_measured": 1)"), HasSubstr("context_measured is 1"));
}

TEST(ReportRig, TextNamesWhoHoldsACard) {
    const std::string text = to_text(std::vector<DeviceInfo>{used_card()});
    EXPECT_THAT(text, AllOf(HasSubstr("cuda:0 is used by"), HasSubstr("20.00 GiB  python3 (pid 4711)"),
                            HasSubstr("1.000 GiB  pid 12\n"), HasSubstr("unknown  Xorg (pid 13)"), HasSubstr("8.0")));
    EXPECT_THAT(text, Not(HasSubstr("cannot be seen")));
    EXPECT_THAT(text, Not(HasSubstr("assumed")));

    DeviceInfo hidden = used_card();
    hidden.holders.clear();
    hidden.context_measured = false;
    EXPECT_THAT(to_text(std::vector<DeviceInfo>{hidden}),
                AllOf(HasSubstr("30.00 GiB  processes that cannot be seen from here"), HasSubstr("~400.0 MiB"),
                      HasSubstr("~ assumed")));
}

TEST(ReportRig, LinesOfRealCardsAreAtMost120Wide) {
    DeviceInfo card = used_card();
    card.spec = "cuda:0=24GiB";
    card.name = "NVIDIA A100-SXM4-80GB MIG 3g.40gb";
    card.pci = "0000:3b:00.0";
    card.context_measured = false;
    card.holders.assign(40, {4000000, "a_process_name1", 20_GiB});
    std::istringstream lines(to_text(std::vector<DeviceInfo>{card}));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 120u) << line;
}

TEST(ReadRig, ThreeFieldsADeviceAreEnough) {
    const std::vector<DeviceInfo> rig = rig_from_json(
        R"({"devices": [{"spec": "cuda:0", "name": "A100-40GB", "total_bytes": 42949672960},
                        {"spec": "cuda:1", "name": "own card", "total_bytes": 1024, "comment": [1, {"a": 2}]},
                        {"spec": "cpu", "name": "host memory", "total_bytes": 4096, "free_bytes": 1024}]})");
    ASSERT_EQ(rig.size(), 3u);
    EXPECT_EQ(rig[0].free_bytes, 40_GiB);
    EXPECT_EQ(rig[0].context_bytes, assumed_context_bytes);
    EXPECT_EQ(rig[0].bytes_per_second, 1555e9);
    EXPECT_GT(rig[1].bytes_per_second, 0);
    EXPECT_EQ(rig[2].kind, DeviceKind::cpu);
    EXPECT_EQ(rig[2].free_bytes, 1024u);
    EXPECT_EQ(rig[2].context_bytes, 0u);
}

TEST(ReadRig, RefusesWhatIsNoRig) {
    const auto refusal = [](const std::string& json) {
        return message_of<BadFile>([&] { rig_from_json(json, "rig.json"); });
    };
    EXPECT_EQ(refusal("{}"), "rig.json: devices is missing");
    EXPECT_THAT(refusal(R"({"devices": []})"), HasSubstr("at least one device"));
    EXPECT_THAT(refusal(R"({"devices": {}})"), HasSubstr("devices is an object of 0, expected an array"));
    EXPECT_THAT(refusal(R"({"devices": [7]})"), HasSubstr("devices[0] is 7, expected an object"));
    EXPECT_THAT(refusal(R"({"devices": [{"spec": "a", "name": "b"}]})"),
                HasSubstr("devices[0].total_bytes is missing"));
    EXPECT_THAT(refusal(R"({"devices": [{"spec": "a", "name": "b", "total_bytes": -5}]})"), HasSubstr("is -5"));
    EXPECT_THAT(refusal(R"({"devices": [{"spec": "a", "name": "b", "total_bytes": 5, "free_bytes": 6}]})"),
                HasSubstr("devices[0].free_bytes is 6, expected at most total_bytes, 5"));
    EXPECT_THAT(refusal(R"({"devices": [{"spec": "a", "name": "b", "total_bytes": 1.5}]})"), HasSubstr("whole number"));
    EXPECT_THAT(refusal(R"({"schema_version": 99, "devices": []})"), HasSubstr("schema_version is 99"));
    EXPECT_THAT(refusal(R"({"devices": [{"spec": "a", "name": "b", "total_bytes": 5, "bytes_per_second": "fast"}]})"),
                HasSubstr("devices[0].bytes_per_second is \"fast\", expected a number"));
}

TEST(ReportRig, TextListsEveryDevice) {
    const std::string text = to_text({host_part("cpu", 1_GiB), typed_card(3, 40_GiB)});
    EXPECT_THAT(text, AllOf(HasSubstr("cuda:3"), HasSubstr("A100 40 GB"), HasSubstr("40.00 GiB"),
                            HasSubstr("1555 GB/s"), HasSubstr("0000:3b:00.3")));
    EXPECT_THAT(widths_of(text), Each(Le(100u)));
}

LoadReport measured(const PlacementPlan& plan) {
    LoadReport report;
    report.devices.resize(plan.devices.size());
    for (std::size_t i = 0; i < plan.devices.size(); ++i) {
        report.devices[i].spec = plan.devices[i].device.spec;
        report.devices[i].measured_resident_bytes = plan.devices[i].memory.resident;
        report.devices[i].measured_peak_bytes = plan.devices[i].memory.load_peak();
        report.devices[i].measured_free_drop_bytes = plan.devices[i].memory.resident + 77;
        report.devices[i].copied_bytes = plan.devices[i].memory.resident;
        report.devices[i].seconds = 0.5;
        report.devices[i].bytes_per_second = 3e9;
        report.devices[i].centred = plan.devices[i].device.kind == DeviceKind::cuda;
    }
    report.host_peak_bytes = 7;
    report.host_library_bytes = 3_MiB;
    report.file_bytes_read = 25600045;
    report.seconds = 0.75;
    report.centre = {1, 2};
    report.centre_sample_rows = 1563;
    report.non_finite_rows = 2;
    report.first_non_finite_row = 41;
    report.overflowing_norm_rows = 3;
    report.first_overflowing_norm_row = 51;
    report.underflowed_values = 1234567;
    report.underflowed_rows = 4;
    report.first_underflowed_row = 61;
    report.recovery = {"staging halved"};
    return report;
}

TEST(ReportLoad, JsonIsThePlanWithWhatWasMeasured) {
    const PlacementPlan plan = small_plan();
    VerifyReport verified;
    verified.rows = 100;
    verified.worst_error = 1e-7;
    verified.error_bound = 1e-5;
    verified.worst_neighbor_error = 1e-4;
    verified.neighbor_error_bound = 1e-2;
    verified.worst_neighbor_rounding = 0.25;
    verified.unreachable_rows = 2;
    const LoadReport report = measured(plan);
    const Json json = Json::parse(to_json(plan, report, &verified));
    expect_header(json);
    EXPECT_EQ(json["fits"], true);
    EXPECT_EQ(json["devices"][2]["resident_bytes"], plan.devices[2].memory.resident);
    EXPECT_EQ(json["devices"][2]["measured_resident_bytes"], plan.devices[2].memory.resident);
    EXPECT_EQ(json["devices"][2]["measured_peak_bytes"], plan.devices[2].memory.load_peak());
    EXPECT_EQ(json["devices"][2]["free_drop_bytes"], plan.devices[2].memory.resident + 77);
    EXPECT_EQ(json["devices"][2]["copied_bytes"], plan.devices[2].memory.resident);
    EXPECT_EQ(json["devices"][2]["seconds"], 0.5);
    EXPECT_EQ(json["devices"][2]["bytes_per_second"], 3e9);
    EXPECT_EQ(json["devices"][2]["centred"], true);
    EXPECT_EQ(json["devices"][0]["centred"], false);
    EXPECT_EQ(json["centre"], (Json{{"sample_rows", 1563}}));
    EXPECT_EQ(json["host_peak_bytes"], 7);
    EXPECT_EQ(json["host_library_bytes"], 3_MiB);
    EXPECT_EQ(json["file_bytes_read"], 25600045);
    EXPECT_EQ(json["seconds"], 0.75);
    EXPECT_EQ(json["recovery"], Json::array({"staging halved"}));
    EXPECT_EQ(json["verified"]["rows"], 100);
    EXPECT_EQ(json["verified"]["worst_error"], 1e-7);
    EXPECT_EQ(json["verified"]["worst_neighbor_error"], 1e-4);
    EXPECT_EQ(json["verified"]["neighbor_error_bound"], 1e-2);
    EXPECT_EQ(json["verified"]["worst_neighbor_rounding"], 0.25);
    EXPECT_EQ(json["verified"]["unreachable_rows"], 2);
    EXPECT_EQ(json["non_finite_rows"], 2);
    EXPECT_EQ(json["first_non_finite_row"], 41);
    EXPECT_EQ(json["overflowing_norm_rows"], 3);
    EXPECT_EQ(json["first_overflowing_norm_row"], 51);
    EXPECT_EQ(json["underflowed_values"], 1234567);
    EXPECT_EQ(json["underflowed_rows"], 4);
    EXPECT_EQ(json["first_underflowed_row"], 61);
    EXPECT_TRUE(Json::parse(to_json(plan, report))["verified"].is_null());
}

TEST(ReportLoad, TextPutsPlannedBesideMeasured) {
    const PlacementPlan plan = small_plan();
    VerifyReport verified;
    verified.rows = 100;
    verified.failures = {"row 7: wrong"};
    const std::string text = to_text(plan, measured(plan), &verified);
    EXPECT_THAT(widths_of(text), Each(Le(100u)));
    EXPECT_THAT(
        text,
        AllOf(HasSubstr("planned resident"), HasSubstr("free fell"), HasSubstr("cuda:0"),
              HasSubstr("the first is row 41"), HasSubstr("the first is row 51"), HasSubstr("the first is row 61"),
              HasSubstr("1,234,567 values"), Not(HasSubstr("among neighbours")), HasSubstr("staging halved"),
              HasSubstr("row 7: wrong"), HasSubstr("1 failed"), HasSubstr("libraries 3.000 MiB beside the plan"),
              HasSubstr("  centre    the mean of 1,563 sampled rows; 1 of 3 devices hold rows less it\n")));
    verified.neighbor_error_bound = 1e-2;
    EXPECT_THAT(to_text(plan, measured(plan), &verified), HasSubstr("among neighbours"));
    LoadReport nothing_found = measured(plan);
    static_cast<RowFindings&>(nothing_found) = {};
    EXPECT_THAT(to_text(plan, nothing_found), Not(HasSubstr("the first is row")));
    LoadReport near = measured(plan);
    for (LoadReport::PerDevice& device : near.devices) device.centred = false;
    EXPECT_THAT(to_text(plan, near),
                HasSubstr("  centre    none: 1,563 sampled rows say that rows lie near enough to zero\n"));
    near.centre_sample_rows = 0;
    EXPECT_THAT(to_text(plan, near), Not(HasSubstr("centre")));
}

InsufficientMemory too_small() {
    return InsufficientMemory("it does not fit: 1.000 GiB short", 1_GiB, {{"cuda:0", 3_GiB, 2_GiB, 1_GiB}},
                              {{"float16 instead of float32", "--precision f16", 2_GiB, 2_GiB}},
                              {{"precision", "f32"}});
}

TEST(ReportError, TextIsOneLineAndThenWhatToTry) {
    EXPECT_EQ(
        to_text(too_small()),
        "it does not fit: 1.000 GiB short\n"
        "  cuda:0: needs 3.000 GiB, usable 2.000 GiB, short of 1.000 GiB\n"
        "  try: --precision f16, float16 instead of float32 (2.000 GiB on the fullest device, 2.000 GiB in all)\n");
    EXPECT_EQ(to_text(InvalidArgument("a\nb", {"c"})), "a?b\n  try: c\n");
}

TEST(ReportError, JsonHasItsNumbersAsFields) {
    const Json json = Json::parse(to_json(BadFile::field("x.index", 4, "dimension", "-1", "at least 1")));
    expect_header(json);
    EXPECT_EQ(json["error"]["kind"], "bad_file");
    EXPECT_THAT(json["error"]["message"], HasSubstr("x.index"));
    EXPECT_EQ(json["error"]["offset"], 4);
    EXPECT_EQ(json["error"]["expected"], "at least 1");
    EXPECT_FALSE(json.contains("fits"));
    EXPECT_EQ(Json::parse(to_json(DeviceError("cuda:1", "lost")))["error"]["device"], "cuda:1");
    EXPECT_EQ(Json::parse(to_json(InvalidArgument("x", {}, {{"kind", "mine"}})))["error"]["kind"], "invalid_argument");
}

TEST(ReportError, JsonOfWhatDoesNotFitHasShortfallsAndAlternatives) {
    const Json json = Json::parse(to_json(too_small()));
    EXPECT_EQ(json["fits"], false);
    EXPECT_EQ(json["short_bytes"], 1_GiB);
    EXPECT_EQ(json["alternatives"], json["error"]["alternatives"]);
    EXPECT_EQ(json["error"]["alternatives"][0]["flags"], "--precision f16");
    EXPECT_EQ(json["error"]["alternatives"][0]["peak_bytes"], 2_GiB);
    EXPECT_EQ(json["error"]["devices"][0]["device"], "cuda:0");
    EXPECT_EQ(json["error"]["devices"][0]["short_bytes"], 1_GiB);
    EXPECT_EQ(json["error"]["precision"], "f32");
}

}  // namespace
}  // namespace gpushard
