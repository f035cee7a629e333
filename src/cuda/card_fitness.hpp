#pragma once

#include <string>

#include <gpushard/device_info.hpp>

namespace gpushard {

/// What keeps a card of this machine from being used, found before Faiss is called, which would end the process or
/// give wrong answers. Whoever opens a card asks this first. Throws DeviceError naming the card. Creates no context.
void refuse_unfit_card(const DeviceInfo& card);

/// Refuses a card for whose compute capability the linked Faiss brings no code. Lets it pass where either is unknown.
void refuse_without_code(const DeviceInfo& card);

/// Refuses a real card where the linked Faiss is too old to be safe on one, unless the environment says
/// GPUSHARD_ALLOW_UNSAFE_FAISS=1.
void refuse_unsafe_faiss(const DeviceInfo& card);

/// What refuse_unsafe_faiss decides by: `risk` is empty where there is none.
struct FaissRisk {
    std::string risk;
    bool simulated = false;  ///< the card is
    bool allowed = false;    ///< by the environment
};
void refuse_risk(const DeviceInfo& card, const FaissRisk& found);

/// Whether the environment says GPUSHARD_ALLOW_UNSAFE_FAISS=1.
bool risk_on_cards_is_allowed();

/// Whether a stand-in for the CUDA runtime plays the cards.
bool cards_are_simulated();

/// Why the GPU code of this version of Faiss must not run on a real card; empty where it may.
std::string gpu_risk_of_faiss(int major, int minor);

/// The same of the linked Faiss.
std::string gpu_risk_of_faiss();

}  // namespace gpushard
