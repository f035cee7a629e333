#include "simcuda/kernels/random_program.hpp"

#include <bit>
#include <random>

namespace gpushard::test {
namespace {

using Kind = RandomStatement::Kind;

/// What statements may stand somewhere.
struct Place {
    bool all_threads = true;  ///< of the block are here together
    bool known_lanes = true;  ///< which lanes of the warp are here is known
    int depth = 0;
};

class Generator {
public:
    explicit Generator(std::uint64_t seed) : random_(seed) {}

    RandomProgram program() {
        RandomProgram program;
        program.blocks = 1 + below(3);
        program.threads = one_in(2) ? 32 * (1 + below(4)) : 1 + below(140);
        whole_warps_ = program.threads % 32 == 0;
        program.statements = block({});
        return program;
    }

private:
    std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
    bool one_in(std::uint32_t count) { return below(count) == 0; }

    RandomRegister any(RegisterKind kind) { return {kind, static_cast<int>(below(registers_of_kind))}; }
    RandomSource source(RegisterKind kind) { return {.place = any(kind)}; }
    RandomSource immediate(RegisterKind kind) {
        std::uint64_t value = one_in(2) ? below(40) : random_();
        if (kind == RegisterKind::number) {
            value = std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<std::int32_t>(value)) / 16.0F);
        } else if (kind == RegisterKind::word) {
            value &= 0xFFFFFFFFU;
        }
        return {.is_immediate = true, .place = {kind, 0}, .value = value};
    }

    std::vector<RandomStatement> block(Place place) {
        std::vector<RandomStatement> statements;
        const std::uint32_t count = place.depth == 0 ? 12 + below(20) : 1 + below(6);
        for (std::uint32_t i = 0; i < count; ++i) statements.push_back(statement(place));
        return statements;
    }

    RandomStatement statement(Place place) {
        const std::uint32_t choice = below(100);
        if (choice < 12 && place.depth < 3) return nested(place);
        if (choice < 22 && place.known_lanes) return between_lanes(place);
        if (choice < 28 && place.all_threads) return between_threads();
        if (choice < 40) return access();
        return compute();
    }

    RandomStatement compute() {
        const auto& operations = random_operations();
        RandomStatement statement;
        statement.operation = &operations[below(static_cast<std::uint32_t>(operations.size()))];
        statement.to = any(statement.operation->to);
        for (const RegisterKind kind : statement.operation->from) statement.sources.push_back(source(kind));
        const RegisterKind last = statement.operation->from.back();
        if (statement.sources.size() > 1 && last != RegisterKind::truth && one_in(3)) {
            statement.sources.back() = immediate(last);
            // Positions and lengths of bit fields.
            if (statement.sources.size() > 2 && last == RegisterKind::word) statement.sources.back().value %= 256;
        }
        guard(statement);
        return statement;
    }

    RandomStatement access() {
        constexpr Kind kinds[] = {Kind::load_input, Kind::load_local, Kind::store_local, Kind::load_own,
                                  Kind::store_own};
        RandomStatement statement;
        statement.kind = kinds[below(5)];
        statement.to = any(RegisterKind::word);
        statement.sources = {source(RegisterKind::word), source(RegisterKind::word)};
        guard(statement);
        return statement;
    }

    void guard(RandomStatement& statement) {
        statement.is_guarded = one_in(6);
        statement.negated = one_in(2);
        statement.condition = any(RegisterKind::truth);
    }

    RandomStatement between_lanes(Place place) {
        constexpr Kind kinds[] = {Kind::shuffle, Kind::shuffle, Kind::ballot, Kind::any, Kind::all};
        RandomStatement statement;
        statement.kind = kinds[below(5)];
        statement.to = any(RegisterKind::word);
        statement.condition = any(RegisterKind::truth);
        statement.negated = one_in(2);
        // Where lanes are missing, the source is looked for among those that are here.
        if (place.all_threads && whole_warps_) {
            statement.mode = static_cast<RandomStatement::Mode>(below(4));
            statement.width = 1 << below(6);
        } else {
            statement.mode = RandomStatement::Mode::present;
        }
        statement.sources = {source(RegisterKind::word), source(RegisterKind::word)};
        return statement;
    }

    RandomStatement between_threads() {
        RandomStatement statement;
        statement.kind = one_in(3) ? Kind::add_up : Kind::load_others;
        statement.to = any(RegisterKind::word);
        statement.sources = {source(RegisterKind::word), source(RegisterKind::word)};
        return statement;
    }

    RandomStatement nested(Place place) {
        RandomStatement statement;
        statement.condition = any(RegisterKind::truth);
        statement.negated = one_in(2);
        ++place.depth;
        switch (below(3)) {
            case 0:
                statement.kind = Kind::repeat;
                statement.count = static_cast<int>(1 + below(4));
                statement.first = block(place);
                break;
            case 1:
                statement.kind = Kind::repeat_lanes;
                statement.sources = {source(RegisterKind::word)};
                place.all_threads = place.known_lanes = false;
                statement.first = block(place);
                break;
            default:
                statement.kind = Kind::branch;
                place.all_threads = false;
                statement.first = block(place);
                if (one_in(2)) statement.second = block(place);
                break;
        }
        return statement;
    }

    std::mt19937_64 random_;
    bool whole_warps_ = false;
};

}  // namespace

RandomProgram random_program(std::uint64_t seed) { return Generator(seed).program(); }

}  // namespace gpushard::test
