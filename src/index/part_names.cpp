#include "index/part_names.hpp"

#include <algorithm>
#include <charconv>

namespace gpushard {
namespace {

using Numbers = std::vector<std::uint64_t>;

constexpr std::string_view decimal_digits = "0123456789";
constexpr std::string_view hexadecimal_digits = "0123456789abcdef";
constexpr std::string_view small_letters = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view capital_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view separators = "-_. ";

/// Longer numbers would not fit 63 bits, and no run of pieces needs them.
constexpr std::size_t most_digits = 12;
constexpr std::size_t default_split_width = 2;
constexpr std::size_t widest_letters = 4;
constexpr std::size_t most_listed = 3;

bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

bool ends_with_separator(std::string_view text) { return !text.empty() && is_one_of(text.back(), separators); }

/// `text` in the digits of `alphabet`; all of it.
std::optional<std::uint64_t> value_of(std::string_view text, std::string_view alphabet) {
    if (text.empty() || text.size() > most_digits) return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : text) {
        const std::size_t digit = alphabet.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        value = value * alphabet.size() + digit;
    }
    return value;
}

std::string text_of(std::uint64_t value, std::string_view alphabet, std::size_t width) {
    std::string text;
    for (; value > 0 || text.size() < width; value /= alphabet.size()) text += alphabet[value % alphabet.size()];
    std::reverse(text.begin(), text.end());
    return text;
}

std::uint64_t power(std::uint64_t base, std::size_t exponent) {
    std::uint64_t result = 1;
    for (; exponent > 0; --exponent) result *= base;
    return result;
}

/// Before split widens its suffixes for the n-th time, a last digit in front each time, it has made so many: after yz
/// (the 650th of two letters) comes zaaa.
std::uint64_t made_before_widening(std::string_view alphabet, std::size_t width, std::size_t n) {
    return power(alphabet.size(), width - 1) * (power(alphabet.size(), n) - 1);
}

std::optional<std::uint64_t> split_number(std::string_view text, std::string_view alphabet, std::size_t width) {
    if (text.size() < width || text.size() > most_digits || (text.size() - width) % 2 != 0) return std::nullopt;
    const std::size_t widened = (text.size() - width) / 2;
    for (std::size_t i = 0; i < widened; ++i) {
        if (text[i] != alphabet.back()) return std::nullopt;
    }
    const std::string_view rest = text.substr(widened);
    if (widened > 0 && rest.front() == alphabet.back()) return std::nullopt;
    const auto value = value_of(rest, alphabet);
    if (!value) return std::nullopt;
    return *value + made_before_widening(alphabet, width, widened);
}

std::string split_text(std::uint64_t number, std::string_view alphabet, std::size_t width) {
    std::size_t widened = 0;
    while (width + 2 * (widened + 1) <= most_digits && number >= made_before_widening(alphabet, width, widened + 1)) {
        ++widened;
    }
    return std::string(widened, alphabet.back()) +
           text_of(number - made_before_widening(alphabet, width, widened), alphabet, width + widened);
}

/// A stretch of a name that is all of one set of characters.
struct Group {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t size() const { return end - begin; }
};

/// The longest stretches, the last of the name first.
std::vector<Group> groups_of(std::string_view name, std::string_view set) {
    std::vector<Group> groups;
    for (std::size_t i = 0; i < name.size();) {
        if (!is_one_of(name[i], set)) {
            ++i;
            continue;
        }
        const std::size_t end = std::min(name.find_first_not_of(set, i), name.size());
        groups.push_back({i, end});
        i = end;
    }
    std::reverse(groups.begin(), groups.end());
    return groups;
}

PieceNaming naming_of(std::string_view name, Group number, std::string_view alphabet, std::size_t width) {
    return {.head = std::string(name.substr(0, number.begin)),
            .tail = std::string(name.substr(number.end)),
            .alphabet = alphabet,
            .width = width,
            .total = {}};
}

/// The 5 of "-of-00005.index".
std::optional<std::uint64_t> total_in(std::string_view tail) {
    const auto skip_separator = [&] {
        if (!tail.empty() && is_one_of(tail.front(), separators)) tail.remove_prefix(1);
    };
    skip_separator();
    if (!tail.starts_with("of")) return std::nullopt;
    tail.remove_prefix(2);
    skip_separator();
    const auto total = value_of(tail.substr(0, tail.find_first_not_of(decimal_digits)), decimal_digits);
    return total && *total > 0 ? total : std::nullopt;
}

void add_decimals(std::string_view name, std::vector<PieceNaming>& namings) {
    std::vector<PieceNaming> of_total;
    std::vector<PieceNaming> others;
    for (const Group& group : groups_of(name, decimal_digits)) {
        if (group.size() > most_digits) continue;
        const bool is_padded = name[group.begin] == '0';
        PieceNaming naming = naming_of(name, group, {}, group.size());
        naming.total = total_in(naming.tail);
        std::vector<PieceNaming>& list = naming.total ? of_total : others;
        list.push_back(naming);
        if (group.size() == 1 || is_padded) continue;
        naming.width = 1;
        list.push_back(naming);
    }
    namings.insert(namings.end(), of_total.begin(), of_total.end());
    namings.insert(namings.end(), others.begin(), others.end());
}

void add_letters(std::string_view name, std::string_view alphabet, std::vector<PieceNaming>& namings) {
    for (const Group& group : groups_of(name, alphabet)) {
        for (std::size_t width = std::min(group.size(), widest_letters); width >= default_split_width; --width) {
            namings.push_back(naming_of(name, {group.end - width, group.end}, alphabet, width));
        }
        // A suffix that was widened begins with the last letter: its run is that of two letters.
        for (std::size_t size = default_split_width + 2; size <= std::min(group.size(), most_digits); size += 2) {
            if (name[group.end - size] != alphabet.back()) continue;
            namings.push_back(naming_of(name, {group.end - size, group.end}, alphabet, default_split_width));
        }
        if (group.size() == 1 && ends_with_separator(name.substr(0, group.begin))) {
            namings.push_back(naming_of(name, group, alphabet, 1));
        }
    }
}

/// The suffixes that split makes of digits, after those that people write.
void add_split_digits(std::string_view name, std::vector<PieceNaming>& namings) {
    for (const std::string_view alphabet : {hexadecimal_digits, decimal_digits}) {
        for (const Group& group : groups_of(name, alphabet)) {
            if (group.size() < default_split_width) continue;
            namings.push_back(
                naming_of(name, {group.end - default_split_width, group.end}, alphabet, default_split_width));
        }
    }
}

std::optional<Numbers> numbers_of(const PieceNaming& naming, const std::vector<std::string>& names) {
    Numbers numbers;
    for (const std::string& name : names) {
        const auto number = naming.number_of(name);
        if (!number) return std::nullopt;
        numbers.push_back(*number);
    }
    return numbers;
}

bool ascend_by_one(const Numbers& numbers) {
    for (std::size_t i = 1; i < numbers.size(); ++i) {
        if (numbers[i] != numbers[i - 1] + 1) return false;
    }
    return true;
}

}  // namespace

std::optional<std::uint64_t> PieceNaming::number_of(std::string_view name) const {
    if (name.size() <= head.size() + tail.size() || !name.starts_with(head) || !name.ends_with(tail)) {
        return std::nullopt;
    }
    const std::string_view text = name.substr(head.size(), name.size() - head.size() - tail.size());
    if (!alphabet.empty()) return split_number(text, alphabet, width);
    const auto value = value_of(text, decimal_digits);
    return value && text_of(*value, decimal_digits, width) == text ? value : std::nullopt;
}

std::string PieceNaming::name_of(std::uint64_t number) const {
    return head + (alphabet.empty() ? text_of(number, decimal_digits, width) : split_text(number, alphabet, width)) +
           tail;
}

std::vector<PieceNaming> possible_namings(std::string_view name) {
    std::vector<PieceNaming> namings;
    add_decimals(name, namings);
    add_letters(name, small_letters, namings);
    add_letters(name, capital_letters, namings);
    add_split_digits(name, namings);
    return namings;
}

bool is_plausible_run(const PieceNaming& naming, const Numbers& numbers) {
    const auto [least, largest] = std::minmax_element(numbers.begin(), numbers.end());
    if (*least == *largest) return false;
    if (naming.total) return *largest <= *naming.total;
    // Words end in letters, too: a run of them is one only where its first piece is among them.
    if (!naming.alphabet.empty() && *least != 0) return false;
    return *largest - *least <= 4 * numbers.size() + 16;
}

NameOrder order_of(const std::vector<std::string>& names) {
    NameOrder wrong;
    if (names.size() < 2) return wrong;
    // The first name in a dictionary is the one whose number split has not widened.
    std::vector<PieceNaming> namings = possible_namings(names.front());
    const std::vector<PieceNaming> more = possible_namings(*std::min_element(names.begin(), names.end()));
    namings.insert(namings.end(), more.begin(), more.end());
    for (const PieceNaming& naming : namings) {
        const auto numbers = numbers_of(naming, names);
        if (!numbers) continue;
        const bool is_whole = !naming.total || numbers->size() == *naming.total;
        if (ascend_by_one(*numbers) && is_whole) return {NameOrder::Verdict::in_order, naming, *numbers};
        if (wrong.verdict == NameOrder::Verdict::no_run && is_plausible_run(naming, *numbers)) {
            wrong = {NameOrder::Verdict::wrong, naming, *numbers};
        }
        if (naming.total) break;  // the names say more than any guess
    }
    return wrong;
}

Numbers whole_run(const PieceNaming& naming, const Numbers& numbers) {
    auto [least, largest] = std::minmax_element(numbers.begin(), numbers.end());
    std::uint64_t first = *least;
    std::uint64_t last = *largest;
    if (naming.total) {
        // Counted from 0 or from 1: only one of both numbers can be there.
        first = *least == 0 ? 0 : 1;
        last = std::max(last, first + *naming.total - 1);
    }
    Numbers whole;
    for (std::uint64_t number = first; number <= last; ++number) whole.push_back(number);
    return whole;
}

std::string describe_disorder(const NameOrder& order, const std::vector<std::string>& names, const Numbers& whole) {
    const Numbers& numbers = order.numbers;
    for (std::size_t i = 1; i < numbers.size(); ++i) {
        if (numbers[i] < numbers[i - 1]) return names[i - 1] + " is named before " + names[i];
        if (numbers[i] == numbers[i - 1]) return names[i] + " is named twice";
    }
    std::vector<std::string> missing;
    for (const std::uint64_t number : whole) {
        const bool is_named = std::find(numbers.begin(), numbers.end(), number) != numbers.end();
        if (!is_named) missing.push_back(order.naming.name_of(number));
    }
    return listed(missing) + (missing.size() == 1 ? " is" : " are") + " not among the parts that are named";
}

std::string listed(const std::vector<std::string>& names) {
    const std::size_t shown = names.size() > most_listed + 1 ? most_listed : names.size();
    std::string text;
    for (std::size_t i = 0; i < shown; ++i) {
        const bool is_last = i + 1 == names.size();
        text += (i == 0 ? "" : is_last ? " and " : ", ") + names[i];
    }
    if (shown < names.size()) text += " and " + std::to_string(names.size() - shown) + " more";
    return text;
}

}  // namespace gpushard
