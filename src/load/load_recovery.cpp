#include "load/load_recovery.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include <gpushard/error.hpp>

#include "core/plan_rules.hpp"
#include "load/recovery_text.hpp"
#include "load/row_distribution.hpp"
#include "load/staging_shares.hpp"
#include "log/log.hpp"

namespace gpushard {
namespace {

using Clock = std::chrono::steady_clock;
using Devices = std::vector<std::shared_ptr<Device>>;

constexpr Bytes least_staging = 1_MiB;

/// Shards name the host as the device where there is no memory for staging.
bool is_of_host_staging(const Error& error) {
    return std::any_of(error.fields().begin(), error.fields().end(), [](const ErrorField& field) {
        const std::string* const text = std::get_if<std::string>(&field.second);
        return field.first == "device" && text != nullptr && *text == "host";
    });
}

class RecoveringLoad {
public:
    RecoveringLoad(const RecoveringLoad&) = delete;
    RecoveringLoad& operator=(const RecoveringLoad&) = delete;
    RecoveringLoad(PlacementPlan plan, const std::shared_ptr<const ByteSource>& source,
                   const LoadEnvironment& environment, const LoadOptions& options)
        : source_(source),
          environment_(environment),
          options_(with_noted_exceptions(options)),
          read_before_(source ? source->bytes_read() : 0),
          listed_(plan.devices.size() - (plan.spilled ? 1 : 0)),
          histories_(listed_ + 1),
          attempts_left_(4 + 2 * static_cast<int>(listed_)),
          plan_(std::move(plan)) {}

    RecoveredLoad run() {
        while (true) {
            Devices devices;
            std::optional<std::size_t> failed;
            try {
                devices = environment_.open(plan_);
                LoadedShards loaded = load_shards(plan_, source_, devices, options_, &failed);
                return finish(std::move(devices), std::move(loaded));
            } catch (...) {
                if (from_callback_) std::rethrow_exception(from_callback_);
                recover(devices, failed);
            }
        }
    }

private:
    /// What became of a device of the rig in the attempts so far.
    struct DeviceHistory {
        int refusals = 0;  ///< of memory it said was free
        bool set_aside = false;
    };

    RecoveredLoad finish(Devices devices, LoadedShards loaded) {
        loaded.report.recovery = std::move(steps_);
        loaded.report.file_bytes_read = source_->bytes_read() - read_before_;
        loaded.report.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
        return {.plan = std::move(plan_), .devices = std::move(devices), .loaded = std::move(loaded)};
    }

    /// What the caller's callback throws is the caller's word, whatever its type: nothing to recover from.
    LoadOptions with_noted_exceptions(LoadOptions options) {
        if (!options.on_progress) return options;
        options.on_progress = [this, report = std::move(options.on_progress)](const LoadProgress& progress) {
            try {
                report(progress);
            } catch (...) {
                from_callback_ = std::current_exception();
                throw;
            }
        };
        return options;
    }

    /// The next four are called while what they recover from is handled, and throw it again where they cannot.

    void recover(const Devices& devices, std::optional<std::size_t> failed) {
        try {
            throw;
        } catch (InsufficientMemory& error) {
            if (is_of_host_staging(error)) {
                halve_staging();
            } else {
                make_do_with_less(error, devices, failed);
            }
        } catch (DeviceError& error) {
            if (!failed) failed = entry_named(error.device(), devices);
            do_without(error, devices, failed);
        }
    }

    void halve_staging() {
        const Bytes staging = granted_staging(plan_);
        const Bytes least = std::max(least_staging, least_staging_for(plan_.index.row_bytes()));
        if (staging <= least) throw;
        const Bytes half = std::max(staging / 2, least);
        plan_.options.staging_bytes = half;
        plan_.host_staging_bytes = std::min(plan_.host_staging_bytes, half);
        record("no host memory for staging of " + format_bytes(staging) + ", tried again with " + format_bytes(half));
    }

    void make_do_with_less(InsufficientMemory& error, const Devices& devices, std::optional<std::size_t> failed) {
        count_attempt(error);
        const std::vector<DeviceInfo> rig = probe(devices);
        std::string cause = devices_found_fuller(plan_, rig);
        std::string without;
        if (failed && has_what_was_planned(*failed, rig)) {
            DeviceHistory& history = histories_[*failed];
            history.set_aside = ++history.refusals > 1;
            if (history.set_aside) without = device_label(plan_, *failed);
            cause += (cause.empty() ? "" : "; ") + device_label(plan_, *failed) + " refused memory that it has free (" +
                     error.what() + ")";
        }
        if (cause.empty()) cause = error.what();
        plan_again(error, cause, without, rig);
    }

    void do_without(DeviceError& error, const Devices& devices, std::optional<std::size_t> failed) {
        if (!failed) throw;
        count_attempt(error);
        histories_[*failed].set_aside = true;
        plan_again(error, error.what(), device_label(plan_, *failed), probe(devices));
    }

    void count_attempt(Error& error) {
        if (!environment_.replan) throw;
        if (first_failure_.empty()) first_failure_ = error.what();
        if (attempts_left_-- > 0) return;
        add_history(error);
        throw;
    }

    /// The devices that were listed, with what each has free now that all shards are gone.
    std::vector<DeviceInfo> probe(const Devices& devices) {
        std::vector<DeviceInfo> rig;
        for (std::size_t i = 0; i < listed_; ++i) {
            rig.push_back(plan_.devices[i].device);
            DeviceInfo& info = rig.back();
            if (i < devices.size() && devices[i]) look_at(*devices[i], info, histories_[i]);
            if (histories_[i].set_aside || info.planning_only) info.free_bytes = 0;
        }
        return rig;
    }

    static void look_at(const Device& device, DeviceInfo& info, DeviceHistory& history) {
        try {
            info.free_bytes = std::min(device.free_bytes(), info.total_bytes);
            info.context_bytes = 0;  // an open device has its context, which is not free any more
        } catch (const DeviceError&) {
            history.set_aside = true;
        }
    }

    bool has_what_was_planned(std::size_t i, const std::vector<DeviceInfo>& rig) const {
        return i >= listed_ || rig[i].free_bytes >= plan_.devices[i].memory.peak();
    }

    /// The used device of this spec, where the spec tells it from the others. A device that cannot even be opened for
    /// the first attempt is not what the plan was made for.
    std::optional<std::size_t> entry_named(const std::string& spec, const Devices& devices) const {
        if (devices.empty() && steps_.empty()) return std::nullopt;
        std::optional<std::size_t> found;
        for (std::size_t i = 0; i < plan_.devices.size(); ++i) {
            const ShardPlacement& placement = plan_.devices[i];
            if (placement.rows.count() == 0 || placement.device.spec != spec) continue;
            if (found) return std::nullopt;
            found = i;
        }
        return found;
    }

    /// `without` is a device that is left out from now on, if any: when the others cannot take its rows, what it failed
    /// with is the answer, else the planner's refusal.
    void plan_again(Error& error, const std::string& cause, const std::string& without, std::vector<DeviceInfo> rig) {
        const std::exception_ptr original = std::current_exception();
        for (std::size_t i = 0; i < listed_; ++i) {
            if (histories_[i].set_aside) rig[i].free_bytes = 0;
        }
        PlanOptions options = plan_.options;
        options.precision = parse_precision(to_string(plan_.precision));
        if (histories_[listed_].set_aside) options.spill_bytes = 0;
        PlacementPlan next;
        try {
            next = environment_.replan(plan_.index, rig, options);
        } catch (InsufficientMemory& refusal) {
            if (!without.empty()) {
                error.add_hint("also: the other devices cannot take its rows: " + std::string(refusal.what()));
                add_history(error);
                std::rethrow_exception(original);
            }
            refusal.add_hint("also: at first the load failed: " + first_failure_);
            add_history(refusal);
            throw;
        } catch (const InvalidArgument& contradiction) {
            error.add_hint("also: it cannot be planned again: " + std::string(contradiction.what()));
            std::rethrow_exception(original);
        }
        next.options.precision = plan_.options.precision;
        next.fingerprint = plan_.fingerprint;
        const std::string changed = what_changed(plan_, next);
        record(cause + (changed.empty()
                            ? "; tried again"
                            : "; planned again" + (without.empty() ? "" : " without " + without) + ": " + changed));
        plan_ = std::move(next);
    }

    void record(std::string step) {
        log_warn("loading {}: {}", plan_.index.display_name(), step);
        steps_.push_back(std::move(step));
    }

    void add_history(Error& error) const {
        for (const std::string& step : steps_) error.add_hint("also: was tried: " + step);
    }

    const std::shared_ptr<const ByteSource>& source_;
    const LoadEnvironment& environment_;
    std::exception_ptr from_callback_;
    const LoadOptions options_;
    const Clock::time_point start_ = Clock::now();
    const Bytes read_before_;
    const std::size_t listed_;              ///< devices of the rig: entries of every plan but the spill
    std::vector<DeviceHistory> histories_;  ///< of each of them, and of the spill
    int attempts_left_;
    std::string first_failure_;
    std::vector<std::string> steps_;
    PlacementPlan plan_;
};

}  // namespace

RecoveredLoad load_with_recovery(PlacementPlan plan, const std::shared_ptr<const ByteSource>& source,
                                 const LoadEnvironment& environment, const LoadOptions& options) {
    check_plan(plan, DevicesOf::caller);
    return RecoveringLoad(std::move(plan), source, environment, options).run();
}

}  // namespace gpushard
