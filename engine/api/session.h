// What a session handle stands for.
#pragma once

#include <memory>
#include <optional>

#include "engine/api/network.h"
#include "engine/run/es_trainer.h"
#include "engine/run/simulation.h"
#include "kernels/cpu/thread_pool.h"

namespace spikelane {

class ApiSession {
 public:
  virtual ~ApiSession() = default;
  ApiSession(const ApiSession&) = delete;
  ApiSession& operator=(const ApiSession&) = delete;

  const ApiNetwork& network() const { return *network_; }
  const Plan& plan() const { return *plan_; }
  int n_rows() const { return n_rows_; }

  virtual spikelane_purpose purpose() const = 0;
  virtual int n_members() const { return 1; }
  virtual std::int64_t n_updates() const { return 0; }
  virtual int t() const = 0;
  virtual const State& state() const = 0;
  /// The same, to be put back: restored() follows.
  virtual State& edit_state() = 0;
  /// The weights as they are now, flat and logical.
  virtual std::vector<float> parameters() const { return network_->policy.parameters; }

  virtual void reset() = 0;
  /// One row, while the others go on; steps are counted for all of them.
  virtual void reset_row(int row) { edit_state().reset_row(row); }
  /// Checked observations (R, I) in, actions (R, O) out. Allocates nothing.
  void step(std::span<const float> observations, float* actions);

  /// What is saved beside the State: numbers that fit one walk.
  virtual void visit_state(StateVisitor&) {}
  /// The State and what visit_state saw have been put back; the next step is t.
  virtual void restored(int t) = 0;

 protected:
  ApiSession(std::shared_ptr<const ApiNetwork> network, std::unique_ptr<const Plan> plan,
             int n_rows, int n_threads);
  /// One network step of the inputs of all rows.
  virtual void step_network(std::span<const float> inputs) = 0;

  std::shared_ptr<const ApiNetwork> network_;
  std::unique_ptr<const Plan> plan_;
  int n_rows_;
  ThreadPool pool_;

 private:
  void copy_output(float* values);
  std::vector<float> inputs_, outputs_;  // (R, inputs), (R, outputs) where there are codes
};

/// Rows of one network that act.
class ActingSession : public ApiSession {
 public:
  ActingSession(std::shared_ptr<const ApiNetwork> network, const KernelTable& kernels, int n_rows,
                int n_threads);

  spikelane_purpose purpose() const override { return SPIKELANE_ACTS; }
  int t() const override { return simulation_.t(); }
  const State& state() const override { return simulation_.state(); }
  State& edit_state() override { return simulation_.edit_state(); }
  void reset() override { simulation_.reset(); }
  void step_network(std::span<const float> inputs) override;
  void restored(int t) override { simulation_.set_t(t); }

 private:
  Simulation simulation_;
};

/// Rows of the members of an evolution strategy.
class SearchSession : public ApiSession {
 public:
  SearchSession(std::shared_ptr<const ApiNetwork> network, const KernelTable& kernels,
                int n_rows_each, int n_threads);

  spikelane_purpose purpose() const override { return SPIKELANE_SEARCHES; }
  int n_members() const override { return n_members_; }
  std::int64_t n_updates() const override { return trainer_->n_updates(); }
  int t() const override { return simulation_->t(); }
  const State& state() const override { return simulation_->state(); }
  State& edit_state() override { return simulation_->edit_state(); }
  std::vector<float> parameters() const override { return trainer_->parameters(); }
  void reset() override { simulation_->reset(); }
  void step_network(std::span<const float> inputs) override;
  void visit_state(StateVisitor& visitor) override { trainer_->visit_state(visitor); }
  void restored(int t) override;

  /// Finite losses (M): one update; then the next members are in place.
  void tell(std::span<const double> losses);

 private:
  void place_members();

  int n_members_;
  std::unique_ptr<EsTrainer> trainer_;
  std::optional<Simulation> simulation_;
};

ExclusiveHandles<ApiSession>& api_sessions();

/// Steps of a session are counted modulo this: a multiple of all periods that the kernels look at.
constexpr int kClockPeriod = 1 << 30;

/// A plan for steps whose every value counts: no window, no end of a trial.
std::unique_ptr<const Plan> plan_for_steps(const NetworkDescription& network, LayoutChoice layout,
                                           int n_steps = kClockPeriod);

/// Lanes are samples of one member: with a few rows of each they would stay empty, so that neurons
/// go into them.
LayoutChoice layout_for(int n_rows_each);

/// What all ways of opening have in common: checks the options, calls open(network, kernels,
/// options), which gives the session or null after a failure of its own, and makes a handle.
using OpenSession = std::unique_ptr<ApiSession> (*)(const ErrorText& text,
                                                    const std::shared_ptr<const ApiNetwork>&,
                                                    const KernelTable&,
                                                    const spikelane_session_options&,
                                                    spikelane_status& status);
spikelane_status open_session(spikelane_network network, const spikelane_session_options* options,
                              spikelane_session* session, char* error, std::size_t error_size,
                              OpenSession open) noexcept;

/// Runs body(text, session) where the handle is good and nobody else uses the session.
template <class Body>
spikelane_status with_session(spikelane_session session, char* error, std::size_t error_size,
                              const Body& body) noexcept {
  return guarded(error, error_size, [&](const ErrorText& text) {
    using Handles = ExclusiveHandles<ApiSession>;
    const typename Handles::Use use(api_sessions(), session.id);
    if (use.found() == Handles::Found::kStale)
      return text.fail(SPIKELANE_ERROR_HANDLE, "session: no such handle, or closed already");
    if (use.found() == Handles::Found::kBusy)
      return text.fail(SPIKELANE_ERROR_BUSY, "session: in use by another thread");
    return body(text, use.object());
  });
}

/// A size that the caller gave for an array.
inline spikelane_status check_size(const ErrorText& text, const char* name, std::size_t found,
                                   std::size_t wanted) {
  if (found == wanted) return SPIKELANE_OK;
  return text.fail(SPIKELANE_ERROR_ARGUMENT, "%s: found %zu; allowed: %zu", name, found, wanted);
}

}  // namespace spikelane
