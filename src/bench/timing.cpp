#include "bench/timing.hpp"

#include <future>

namespace gpushard::bench {

double seconds_together(int count, const std::function<void(int thread)>& work) {
    std::vector<std::future<void>> threads;
    // Goes before the threads are waited for: should one not start, the others are told so and end.
    std::promise<void> go;
    const std::shared_future<void> start = go.get_future().share();
    for (int thread = 0; thread < count; ++thread) {
        threads.push_back(std::async(std::launch::async, [&work, start, thread] {
            start.get();
            work(thread);
        }));
    }
    const double taken = seconds([&] {
        go.set_value();
        for (const std::future<void>& thread : threads) thread.wait();
    });
    for (std::future<void>& thread : threads) thread.get();
    return taken;
}

}  // namespace gpushard::bench
