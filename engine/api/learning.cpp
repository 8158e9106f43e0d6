// Sessions that learn while they act: KeRNL or e-prop, with errors or rewards from the host.
#include <cmath>

#include "engine/api/session.h"
#include "engine/run/online_learner.h"

namespace spikelane {

namespace {

std::unique_ptr<const Plan> plan_for_learning(const RunConfig& config) {
  return compile_plan(config.network, LossConfig{}, config.rule.kernl.k_steps,
                      for_learning(PlanOptions{}, true));
}

class LearningSession : public ApiSession {
 public:
  LearningSession(std::shared_ptr<const ApiNetwork> network, const KernelTable& kernels, int n_rows,
                  int n_threads)
      : ApiSession(network, plan_for_learning(network->policy.config), n_rows, n_threads),
        learner_(network_->policy.config, *plan_, kernels, pool_, n_rows,
                 network_->policy.parameters) {}

  spikelane_purpose purpose() const override { return SPIKELANE_LEARNS; }
  std::int64_t n_updates() const override { return learner_.n_updates(); }
  int t() const override { return learner_.t(); }
  const State& state() const override { return learner_.state(); }
  State& edit_state() override { return learner_.edit_state(); }
  std::vector<float> parameters() const override { return learner_.parameters(); }
  void reset() override { learner_.reset(); }
  void reset_row(int row) override { learner_.reset_row(row); }
  void step_network(std::span<const float> inputs) override { learner_.step(inputs); }
  void visit_state(StateVisitor& visitor) override { learner_.visit_state(visitor); }
  void restored(int t) override { learner_.restored(t); }

  OnlineLearner& learner() { return learner_; }

 private:
  OnlineLearner learner_;
};

spikelane_status check_finite(const ErrorText& text, const char* name, const float* values,
                              std::size_t n) {
  for (std::size_t i = 0; i < n; ++i)
    if (!std::isfinite(values[i]))
      return text.fail(SPIKELANE_ERROR_ARGUMENT, "%s[%zu]: found %g; allowed: a finite number",
                       name, i, static_cast<double>(values[i]));
  return SPIKELANE_OK;
}

}  // namespace
}  // namespace spikelane

using namespace spikelane;

spikelane_status spikelane_open_learning(spikelane_network network,
                                         const spikelane_session_options* options,
                                         spikelane_session* session, char* error,
                                         size_t error_size) {
  return open_session(
      network, options, session, error, error_size,
      [](const ErrorText& text, const std::shared_ptr<const ApiNetwork>& found,
         const KernelTable& kernels, const spikelane_session_options& checked,
         spikelane_status& status) -> std::unique_ptr<ApiSession> {
        const RuleConfig& rule = found->policy.config.rule;
        if (rule.kind != RuleKind::kKernl || rule.kernl.mode != KernlMode::kOnline) {
          status = text.fail(SPIKELANE_ERROR_ARGUMENT,
                             "network: found a config without online learning; allowed: rule.kind "
                             "\"kernl\" with rule.mode \"online\"");
          return nullptr;
        }
        return std::make_unique<LearningSession>(found, kernels, checked.n_rows, checked.n_threads);
      });
}

spikelane_status spikelane_learn(spikelane_session session, const float* errors, size_t n_errors,
                                 const float* rewards, size_t n_rewards, char* error,
                                 size_t error_size) {
  return with_session(session, error, error_size, [&](const ErrorText& text, ApiSession& opened) {
    auto* learning = dynamic_cast<LearningSession*>(&opened);
    if (learning == nullptr)
      return text.fail(SPIKELANE_ERROR_ARGUMENT,
                       "session: found one that does not learn; allowed: one of "
                       "spikelane_open_learning");
    const auto n_rows = static_cast<std::size_t>(opened.n_rows());
    if (errors == nullptr) return text.fail(SPIKELANE_ERROR_ARGUMENT, "errors: found NULL");
    if (const auto status = check_size(text, "n_errors", n_errors,
                                       n_rows * static_cast<std::size_t>(opened.plan().output().n)))
      return status;
    if (const auto status = check_size(text, "n_rewards", n_rewards, rewards ? n_rows : 0))
      return status;
    if (const auto status = check_finite(text, "errors", errors, n_errors)) return status;
    if (const auto status = check_finite(text, "rewards", rewards, n_rewards)) return status;
    if (learning->learner().has_learned())
      return text.fail(SPIKELANE_ERROR_ARGUMENT,
                       "session: found no step since the last call; allowed: one call after each "
                       "step");
    learning->learner().learn({errors, n_errors}, {rewards, n_rewards});
    return SPIKELANE_OK;
  });
}
