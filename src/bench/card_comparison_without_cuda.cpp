#include <gpushard/error.hpp>

#include "bench/compare_request.hpp"

namespace gpushard::bench {

ComparisonReport compare_on_cards(const CompareRequest&) {
    throw InvalidArgument("this build has no GPU support, expected cpu devices");
}

}  // namespace gpushard::bench
