#include "engine/api/session.h"

#include <cmath>

namespace spikelane {

ExclusiveHandles<ApiSession>& api_sessions() {
  static auto& handles = *new ExclusiveHandles<ApiSession>;
  return handles;
}

std::unique_ptr<const Plan> plan_for_steps(const NetworkDescription& network, LayoutChoice layout,
                                           int n_steps) {
  PlanOptions options;
  options.layout = layout;
  options.keeps_counts = true;
  return compile_plan(network, LossConfig{}, n_steps, options);
}

LayoutChoice layout_for(int n_rows_each) {
  return n_rows_each <= kLanes / 2 ? LayoutChoice::kNeuronLanes : LayoutChoice::kAuto;
}

ApiSession::ApiSession(std::shared_ptr<const ApiNetwork> network, std::unique_ptr<const Plan> plan,
                       int n_rows, int n_threads)
    : network_(std::move(network)), plan_(std::move(plan)), n_rows_(n_rows), pool_(n_threads) {
  if (network_->coding->is_raw()) return;
  const auto n = static_cast<std::size_t>(n_rows);
  inputs_.resize(n * static_cast<std::size_t>(plan_->view().n_inputs));
  outputs_.resize(n * static_cast<std::size_t>(plan_->output().n));
}

// spiking outputs give 0 and 1, readouts their value
void ApiSession::copy_output(float* values) {
  const PopulationView& output = plan_->output();
  if (is_spiking(output.model))
    state().copy_spikes(output.at.spikes, output.n, values);
  else
    state().copy_floats(output.at.v, output.n, values);
}

void ApiSession::step(std::span<const float> observations, float* actions) {
  const ApiCoding& coding = *network_->coding;
  if (coding.is_raw()) {
    step_network(observations);
    copy_output(actions);
    return;
  }
  const std::int64_t n_inputs = plan_->view().n_inputs, n_outputs = plan_->output().n;
  for (std::int64_t row = 0; row < n_rows_; ++row)
    coding.encode(observations.data() + row * coding.n_observations(),
                  inputs_.data() + row * n_inputs);
  for (int i = 0; i < coding.n_steps(); ++i) step_network(inputs_);
  copy_output(outputs_.data());
  for (std::int64_t row = 0; row < n_rows_; ++row)
    coding.decode(outputs_.data() + row * n_outputs, actions + row * coding.n_actions());
}

ActingSession::ActingSession(std::shared_ptr<const ApiNetwork> network, const KernelTable& kernels,
                             int n_rows, int n_threads)
    : ApiSession(network, plan_for_steps(network->policy.config.network, layout_for(n_rows)),
                 n_rows, n_threads),
      simulation_(*plan_, kernels, pool_, 1, n_rows, 1) {
  simulation_.set_parameters(0, network_->policy.parameters);
}

void ActingSession::step_network(std::span<const float> inputs) {
  simulation_.step(inputs);
  if (simulation_.t() == kClockPeriod) simulation_.set_t(0);
}

spikelane_status open_session(spikelane_network network, const spikelane_session_options* given,
                              spikelane_session* session, char* error, std::size_t error_size,
                              OpenSession open) noexcept {
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
    const auto found = api_networks().find(network.id);
    if (!found) return text.fail(SPIKELANE_ERROR_HANDLE, "network: no such handle");
    const KernelTable* kernels = find_kernels("");
    if (kernels == nullptr)
      return text.fail(SPIKELANE_ERROR_INTERNAL,
                       "this processor runs none of the instruction sets of this library");
    const MemoryHooksScope scope(found->memory);
    spikelane_status status = SPIKELANE_OK;
    std::unique_ptr<ApiSession> opened = open(text, found, *kernels, options, status);
    if (!opened) return status;
    const int n_rows = opened->n_rows();
    const std::uint64_t id = api_sessions().add(std::move(opened));
    if (id == 0) return text.fail(SPIKELANE_ERROR_MEMORY, "65536 sessions are open already");
    session->id = id;
    found->say("spikelane: opened a session of " + std::to_string(n_rows) + " rows, " +
               kernels->isa + ", " + std::to_string(options.n_threads) + " threads");
    return SPIKELANE_OK;
  });
}

}  // namespace spikelane

using namespace spikelane;

spikelane_status spikelane_open(spikelane_network network, const spikelane_session_options* options,
                                spikelane_session* session, char* error, size_t error_size) {
  return open_session(network, options, session, error, error_size,
                      [](const ErrorText&, const std::shared_ptr<const ApiNetwork>& found,
                         const KernelTable& kernels, const spikelane_session_options& checked,
                         spikelane_status&) -> std::unique_ptr<ApiSession> {
                        return std::make_unique<ActingSession>(found, kernels, checked.n_rows,
                                                               checked.n_threads);
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

spikelane_status spikelane_reset_rows(spikelane_session session, const int32_t* rows, size_t n_rows,
                                      char* error, size_t error_size) {
  return with_session(session, error, error_size, [&](const ErrorText& text, ApiSession& opened) {
    if (rows == nullptr) return text.fail(SPIKELANE_ERROR_ARGUMENT, "rows: found NULL");
    for (size_t i = 0; i < n_rows; ++i)
      if (rows[i] < 0 || rows[i] >= opened.n_rows())
        return text.fail(SPIKELANE_ERROR_ARGUMENT,
                         "rows[%zu]: found %d; allowed: an integer from 0 to %d", i,
                         static_cast<int>(rows[i]), opened.n_rows() - 1);
    for (size_t i = 0; i < n_rows; ++i) opened.reset_row(rows[i]);
    return SPIKELANE_OK;
  });
}

spikelane_status spikelane_step(spikelane_session session, const float* observations,
                                size_t n_observations, float* actions, size_t n_actions,
                                char* error, size_t error_size) {
  return with_session(session, error, error_size, [&](const ErrorText& text, ApiSession& opened) {
    const auto n_rows = static_cast<std::size_t>(opened.n_rows());
    const ApiCoding& coding = *opened.network().coding;
    const std::size_t n_in = n_rows * static_cast<std::size_t>(coding.n_observations());
    const std::size_t n_out = n_rows * static_cast<std::size_t>(coding.n_actions());
    if (observations == nullptr || actions == nullptr)
      return text.fail(SPIKELANE_ERROR_ARGUMENT, "%s: found NULL",
                       observations == nullptr ? "observations" : "actions");
    if (const auto status = check_size(text, "n_observations", n_observations, n_in)) return status;
    if (const auto status = check_size(text, "n_actions", n_actions, n_out)) return status;
    for (std::size_t i = 0; i < n_in; ++i)
      if (!std::isfinite(observations[i]))
        return text.fail(SPIKELANE_ERROR_ARGUMENT,
                         "observations[%zu]: found %g; allowed: a finite number", i,
                         static_cast<double>(observations[i]));
    opened.step({observations, n_in}, actions);
    return SPIKELANE_OK;
  });
}

spikelane_status spikelane_read(spikelane_session session, int32_t population, int32_t field,
                                float* values, size_t n_values, char* error, size_t error_size) {
  return with_session(session, error, error_size, [&](const ErrorText& text, ApiSession& opened) {
    const int n_populations = opened.plan().view().n_populations;
    if (population < 0 || population >= n_populations)
      return text.fail(SPIKELANE_ERROR_ARGUMENT,
                       "population: found %d; allowed: an integer from 0 to %d",
                       static_cast<int>(population), n_populations - 1);
    const PopulationView& view = opened.plan().population(population);
    std::int64_t at = -1;
    switch (field) {
      case SPIKELANE_MEMBRANE:
        at = view.at.v;
        break;
      case SPIKELANE_SPIKES:
        at = view.at.spikes;
        break;
      case SPIKELANE_COUNTS:
        at = view.at.n_spikes;
        break;
      case SPIKELANE_ADAPTATION:
        at = view.at.b;
        break;
      case SPIKELANE_TRACE:
        at = view.at.synaptic_trace;
        break;
    }
    if (at < 0)
      return text.fail(SPIKELANE_ERROR_ARGUMENT,
                       "field: found %d; allowed: a field that population %d has",
                       static_cast<int>(field), static_cast<int>(population));
    if (values == nullptr) return text.fail(SPIKELANE_ERROR_ARGUMENT, "values: found NULL");
    const std::size_t n =
        static_cast<std::size_t>(opened.n_rows()) * static_cast<std::size_t>(view.n);
    if (const auto status = check_size(text, "n_values", n_values, n)) return status;
    if (field == SPIKELANE_SPIKES)
      opened.state().copy_spikes(at, view.n, values);
    else
      opened.state().copy_floats(at, view.n, values);
    return SPIKELANE_OK;
  });
}
