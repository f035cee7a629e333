#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <gpushard/bytes.hpp>

namespace gpushard {

/// What the name of a device means, before anything is looked up.
struct DeviceName {
    enum class Kind {
        all_cards,   ///< every visible card
        ordinals,    ///< visible cards `first` to `last`
        uuid,        ///< `text`: the beginning of it
        pci,         ///< `text`
        host,        ///< host memory
        any,         ///< the cards if there are, else the host
        rig_file,    ///< `text`: its path
        any_card,    ///< a card of `memory` bytes, for planning; `text`: the size as typed
        known_card,  ///< `text`: how a card of the catalogue, or one that is not, was typed
    };
    Kind kind = Kind::known_card;
    std::string text;
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    Bytes memory = 0;
};

/// Reads the name of an element. Throws InvalidArgument quoting `element` for what can be no device of any kind.
DeviceName read_device_name(std::string_view name, std::string_view element);

/// Whether a specification names cards of this machine; false where it is malformed.
bool names_cards_here(std::string_view specification);

/// A refusal of a name that means nothing, with the nearest thing that does.
[[noreturn]] void refuse_unknown_name(std::string_view name, std::string_view element);

}  // namespace gpushard
