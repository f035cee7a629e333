#include "runtime/work.hpp"

#include "runtime/call.hpp"

namespace simcuda {

void submit(int place, cudaStream_t, Work work) { work(!card_is_lost(place)); }

}  // namespace simcuda
