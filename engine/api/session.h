// What a session handle stands for.
#pragma once

#include <memory>

#include "engine/api/network.h"
#include "engine/run/simulation.h"
#include "kernels/cpu/thread_pool.h"

namespace spikelane {

class ApiSession {
 public:
  ApiSession(std::shared_ptr<const ApiNetwork> network, const KernelTable& kernels, int n_rows,
             int n_threads);

  const ApiNetwork& network() const { return *network_; }
  const Plan& plan() const { return *plan_; }
  int n_rows() const { return n_rows_; }
  void reset() { simulation_.reset(); }
  /// Checked observations (R, I) in, the output's values (R, O) out. Allocates nothing.
  void step(std::span<const float> observations, float* actions);

 private:
  std::shared_ptr<const ApiNetwork> network_;
  std::unique_ptr<const Plan> plan_;
  int n_rows_;
  ThreadPool pool_;
  Simulation simulation_;
};

ExclusiveHandles<ApiSession>& api_sessions();

/// Runs body(session) where the handle is good and nobody else uses the session.
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

}  // namespace spikelane
