#include "runtime/work.hpp"

#include <vector>

#include "runtime/call.hpp"

namespace simcuda {
namespace {

using QueuePointer = std::shared_ptr<WorkQueue>;

/// What the functions of this file say needs the lock.
void add_queue(Card& card, const QueuePointer& queue) {
    // Those of threads that ended.
    std::erase_if(card.queues, [](const QueuePointer& known) { return known.use_count() == 1 && known->idle(); });
    card.queues.push_back(queue);
}

QueuePointer queue_of_thread(int place) {
    Simulator& simulator = Simulator::instance();
    ThreadState& state = thread_state();
    ThreadState::OwnStream& own = state.streams[place];
    if (own.queue == nullptr || own.generation != simulator.generation()) {
        own = {simulator.generation(), std::make_shared<WorkQueue>(place, true)};
        add_queue(simulator.card(place), own.queue);
    }
    return own.queue;
}

QueuePointer queue_of(int place, cudaStream_t stream) {
    Simulator& simulator = Simulator::instance();
    if (stream == cudaStreamPerThread) return queue_of_thread(place);
    if (const Stream* const found = simulator.streams.find(stream)) return found->queue;
    return simulator.card(place).default_queue;
}

void add_wait(WorkQueue& queue, const QueuePointer& other) {
    if (other->idle()) return;
    const WorkPoint point{other, other->last()};
    queue.add([point](bool) { point.finish(); });
}

/// The default stream waits for all blocking ones of its card, and they for it.
void wait_in_step(WorkQueue& queue) {
    Simulator& simulator = Simulator::instance();
    if (!simulator.has_card(queue.card())) return;  // of a rig that is no more
    Card& card = simulator.card(queue.card());
    if (&queue == card.default_queue.get()) {
        for (const QueuePointer& other : card.queues) {
            if (other->blocking()) add_wait(queue, other);
        }
    } else if (queue.blocking()) {
        add_wait(queue, card.default_queue);
    }
}

std::vector<WorkPoint> points_of(Card& card) {
    std::vector<WorkPoint> points{{card.default_queue, card.default_queue->last()}};
    for (const QueuePointer& queue : card.queues) points.push_back({queue, queue->last()});
    return points;
}

}  // namespace

WorkPoint submit(int place, cudaStream_t stream, Work work) {
    Simulator& simulator = Simulator::instance();
    if (!simulator.computes()) {
        work(!card_is_lost(place));
        return {};
    }
    const std::lock_guard lock(simulator.mutex);
    const QueuePointer queue = queue_of(place, stream);
    wait_in_step(*queue);
    return {queue, queue->add(std::move(work))};
}

void finish_stream(int place, cudaStream_t stream) {
    Simulator& simulator = Simulator::instance();
    if (!simulator.computes()) return;
    WorkPoint point;
    {
        const std::lock_guard lock(simulator.mutex);
        point.queue = queue_of(place, stream);
        wait_in_step(*point.queue);
        point.number = point.queue->last();
    }
    point.finish();
}

void finish_card(int place) {
    Simulator& simulator = Simulator::instance();
    if (!simulator.computes() || !simulator.has_card(place)) return;
    std::vector<WorkPoint> points;
    {
        const std::lock_guard lock(simulator.mutex);
        points = points_of(simulator.card(place));
    }
    for (const WorkPoint& point : points) point.finish();
}

void finish_all() {
    for (int place = 0; place < Simulator::instance().card_count(); ++place) finish_card(place);
}

std::shared_ptr<WorkQueue> open_queue(int place, bool blocking) {
    auto queue = std::make_shared<WorkQueue>(place, blocking);
    add_queue(Simulator::instance().card(place), queue);
    return queue;
}

void close_queue(const std::shared_ptr<WorkQueue>& queue) {
    Simulator& simulator = Simulator::instance();
    if (simulator.has_card(queue->card())) std::erase(simulator.card(queue->card()).queues, queue);
}

}  // namespace simcuda
