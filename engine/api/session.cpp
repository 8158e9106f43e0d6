#include "engine/api/session.h"

#include <cmath>

namespace spikelane {

ExclusiveHandles<ApiSession>& api_sessions() {
  static auto& handles = *new ExclusiveHandles<ApiSession>;
  return handles;
}

// the value after each step is what counts: no window, no end of a trial
static std::unique_ptr<const Plan> plan_for_steps(const NetworkDescription& network) {
  PlanOptions options;
  options.keeps_counts = true;
  return compile_plan(network, LossConfig{}, 1 << 30, options);
}

ApiSession::ApiSession(std::shared_ptr<const ApiNetwork> network, const KernelTable& kernels,
                       int n_rows, int n_threads)
    : network_(std::move(network)),
      plan_(plan_for_steps(network_->policy.config.network)),
      n_rows_(n_rows),
      pool_(n_threads),
      simulation_(*plan_, kernels, pool_, 1, n_rows, 1) {
  simulation_.set_parameters(0, network_->policy.parameters);
}

void ApiSession::step(std::span<const float> observations, float* actions) {
  simulation_.step(observations);
  const PopulationView& output = plan_->output();
  if (is_spiking(output.model))
    simulation_.state().copy_spikes(output.at.spikes, output.n, actions);
  else
    simulation_.state().copy_floats(output.at.v, output.n, actions);
}

}  // namespace spikelane

using namespace spikelane;

spikelane_status spikelane_open(spikelane_network network, const spikelane_session_options* given,
                                spikelane_session* session, char* error, size_t error_size) {
  return guarded(error, error_size, [&](const ErrorText& text) {
    if (session == nullptr) return text.fail(SPIKELANE_ERROR_ARGUMENT, "session: found NULL");
    spikelane_session_options options = spikelane_default_session_options();
    if (const auto status = read_struct(text, "options", given, options)) return status;
    if (options.n_rows < 1 || options.n_rows > 1 << 24)
      return text.fail(SPIKELANE_ERROR_ARGUMENT,
                       "options.n_rows: found %d; allowed: an integer from 1 to 16777216",
                       static_cast<int>(options.n_rows));
    if (options.n_threads < 1 || options.n_threads > 1024)
      return text.fail(SPIKELANE_ERROR_ARGUMENT,
                       "options.n_threads: found %d; allowed: an integer from 1 to 1024",
                       static_cast<int>(options.n_threads));
    auto found = api_networks().find(network.id);
    if (!found) return text.fail(SPIKELANE_ERROR_HANDLE, "network: no such handle");
    const KernelTable* kernels = find_kernels("");
    if (kernels == nullptr)
      return text.fail(SPIKELANE_ERROR_INTERNAL,
                       "this processor runs none of the instruction sets of this library");
    const MemoryHooksScope scope(found->memory);
    auto opened = std::make_unique<ApiSession>(found, *kernels, options.n_rows, options.n_threads);
    const std::uint64_t id = api_sessions().add(std::move(opened));
    if (id == 0) return text.fail(SPIKELANE_ERROR_MEMORY, "65536 sessions are open already");
    session->id = id;
    found->say("spikelane: opened a session of " + std::to_string(options.n_rows) + " rows, " +
               kernels->isa + ", " + std::to_string(options.n_threads) + " threads");
    return SPIKELANE_OK;
  });
}

spikelane_status spikelane_close(spikelane_session session, char* error, size_t error_size) {
  return guarded(error, error_size, [&](const ErrorText& text) {
    using Handles = ExclusiveHandles<ApiSession>;
    Handles::Use use(api_sessions(), session.id);
    if (use.found() == Handles::Found::kBusy)
      return text.fail(SPIKELANE_ERROR_BUSY, "session: in use by another thread");
    if (use.found() == Handles::Found::kStale)
      return text.fail(SPIKELANE_ERROR_HANDLE, "session: no such handle, or closed already");
    use.close();
    return SPIKELANE_OK;
  });
}

spikelane_status spikelane_reset(spikelane_session session, char* error, size_t error_size) {
  return with_session(session, error, error_size, [](const ErrorText&, ApiSession& opened) {
    opened.reset();
    return SPIKELANE_OK;
  });
}

spikelane_status spikelane_step(spikelane_session session, const float* observations,
                                size_t n_observations, float* actions, size_t n_actions,
                                char* error, size_t error_size) {
  return with_session(session, error, error_size, [&](const ErrorText& text, ApiSession& opened) {
    const auto n_rows = static_cast<std::size_t>(opened.n_rows());
    const std::size_t n_in = n_rows * static_cast<std::size_t>(opened.plan().view().n_inputs);
    const std::size_t n_out = n_rows * static_cast<std::size_t>(opened.plan().output().n);
    if (observations == nullptr || actions == nullptr)
      return text.fail(SPIKELANE_ERROR_ARGUMENT, "%s: found NULL",
                       observations == nullptr ? "observations" : "actions");
    if (n_observations != n_in)
      return text.fail(SPIKELANE_ERROR_ARGUMENT, "n_observations: found %zu; allowed: %zu",
                       n_observations, n_in);
    if (n_actions != n_out)
      return text.fail(SPIKELANE_ERROR_ARGUMENT, "n_actions: found %zu; allowed: %zu", n_actions,
                       n_out);
    for (std::size_t i = 0; i < n_in; ++i)
      if (!std::isfinite(observations[i]))
        return text.fail(SPIKELANE_ERROR_ARGUMENT,
                         "observations[%zu]: found %g; allowed: a finite number", i,
                         static_cast<double>(observations[i]));
    opened.step({observations, n_in}, actions);
    return SPIKELANE_OK;
  });
}
