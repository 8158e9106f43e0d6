// An evolution strategy for a simulator of the host's: the members' rows are stepped like any
// session, their losses come back, and EsTrainer does with them what it does in training.
#include <cmath>

#include "engine/api/session.h"

namespace spikelane {

namespace {

/// EsTrainer asks it for the network alone: the host runs the members.
class HostTrials : public MemberTrials {
 public:
  explicit HostTrials(const Plan& plan) : plan_(plan) {}
  const Plan& plan() const override { return plan_; }
  int n_samples() const override { return 1; }
  bool gives_returns() const override { return true; }
  void begin_update(std::int64_t) override {}
  void run(const Members&, int, int, TrialScores&) override {}
  std::int64_t n_sample_steps() const override { return 0; }

 private:
  const Plan& plan_;
};

}  // namespace

SearchSession::SearchSession(std::shared_ptr<const ApiNetwork> network, const KernelTable& kernels,
                             int n_rows_each, int n_threads)
    : ApiSession(network, plan_for_steps(network->policy.config.network, layout_for(n_rows_each)),
                 network->policy.config.rule.es.n_members * n_rows_each, n_threads),
      n_members_(network->policy.config.rule.es.n_members),
      trainer_(std::make_unique<EsTrainer>(network_->policy.config, kernels, pool_,
                                           std::make_unique<HostTrials>(*plan_))) {
  simulation_.emplace(*plan_, kernels, pool_, n_members_, n_rows_each, 1);
  trainer_->set_mean(network_->policy.parameters);
  place_members();
}

void SearchSession::place_members() {
  trainer_->begin_update();
  for (int member = 0; member < n_members_; ++member)
    trainer_->members().fill(member, simulation_->block(member));
}

void SearchSession::step_network(std::span<const float> inputs) {
  simulation_->step(inputs);
  if (simulation_->t() == kClockPeriod) simulation_->set_t(0);
}

void SearchSession::restored(int t) {
  place_members();
  simulation_->set_t(t);
}

void SearchSession::tell(std::span<const double> losses) {
  trainer_->finish_update(losses);
  place_members();
  simulation_->reset();
}

}  // namespace spikelane

using namespace spikelane;

spikelane_status spikelane_open_search(spikelane_network network,
                                       const spikelane_session_options* options,
                                       spikelane_session* session, char* error, size_t error_size) {
  return open_session(
      network, options, session, error, error_size,
      [](const ErrorText& text, const std::shared_ptr<const ApiNetwork>& found,
         const KernelTable& kernels, const spikelane_session_options& checked,
         spikelane_status& status) -> std::unique_ptr<ApiSession> {
        const RuleConfig& rule = found->policy.config.rule;
        if (rule.kind != RuleKind::kEs) {
          status = text.fail(SPIKELANE_ERROR_ARGUMENT,
                             "network: found a config whose rule.kind is \"kernl\"; allowed: "
                             "\"es\", which says how to search");
          return nullptr;
        }
        if (rule.es.noise == EsNoiseKind::kLowRank) {
          status = text.fail(SPIKELANE_ERROR_ARGUMENT,
                             "network: found a config whose rule.noise is \"low_rank\"; allowed: "
                             "\"gaussian\" or \"sign\" where the host runs the members");
          return nullptr;
        }
        if (std::int64_t{rule.es.n_members} * checked.n_rows > 1 << 24) {
          status = text.fail(SPIKELANE_ERROR_ARGUMENT,
                             "options.n_rows: found %d for each of %d members; allowed: at most "
                             "16777216 in all",
                             static_cast<int>(checked.n_rows), rule.es.n_members);
          return nullptr;
        }
        return std::make_unique<SearchSession>(found, kernels, checked.n_rows, checked.n_threads);
      });
}

spikelane_status spikelane_tell(spikelane_session session, const double* losses, size_t n_losses,
                                char* error, size_t error_size) {
  return with_session(session, error, error_size, [&](const ErrorText& text, ApiSession& opened) {
    auto* search = dynamic_cast<SearchSession*>(&opened);
    if (search == nullptr)
      return text.fail(SPIKELANE_ERROR_ARGUMENT,
                       "session: found one that does not search; allowed: one of "
                       "spikelane_open_search");
    if (losses == nullptr) return text.fail(SPIKELANE_ERROR_ARGUMENT, "losses: found NULL");
    if (const auto status =
            check_size(text, "n_losses", n_losses, static_cast<std::size_t>(search->n_members())))
      return status;
    for (std::size_t i = 0; i < n_losses; ++i)
      if (!std::isfinite(losses[i]))
        return text.fail(SPIKELANE_ERROR_ARGUMENT,
                         "losses[%zu]: found %g; allowed: a finite number", i, losses[i]);
    search->tell({losses, n_losses});
    return SPIKELANE_OK;
  });
}

spikelane_status spikelane_freeze(spikelane_session session, spikelane_network* network,
                                  char* error, size_t error_size) {
  return with_session(session, error, error_size, [&](const ErrorText& text, ApiSession& opened) {
    if (network == nullptr) return text.fail(SPIKELANE_ERROR_ARGUMENT, "network: found NULL");
    auto frozen = std::make_shared<ApiNetwork>(opened.network());
    frozen->policy.parameters = opened.parameters();
    set_digests(*frozen);
    network->id = api_networks().add(std::move(frozen));
    return SPIKELANE_OK;
  });
}
