#include "runtime/thread_state.hpp"

#include "runtime/simulator.hpp"

namespace simcuda {

ThreadState& thread_state() {
    thread_local ThreadState state;
    return state;
}

int current_place() {
    Simulator& simulator = Simulator::instance();
    ThreadState& state = thread_state();
    if (state.generation != simulator.generation()) {
        state.ordinal = 0;
        state.generation = simulator.generation();
    }
    return simulator.place_of(state.ordinal);
}

}  // namespace simcuda
