// latency_api: what a robot's control loop sees: the net of `latency` loaded and stepped through
// the C API, a clock around each call; then the same net as an exported C file, compiled here.
#include <dlfcn.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>

#include "engine/api/c_source.h"
#include "engine/config/user_error.h"
#include "engine/state/hash.h"
#include "include/spikelane/spikelane.h"
#include "tools/bench_latency.h"
#include "tools/bench_scenes.h"
#include "tools/latency_net.h"

namespace spikelane {

namespace {

constexpr int kInputs = LatencyNet::kInputs, kOutputs = LatencyNet::kOutputs, kNeurons = 256;

Policy latency_policy(const LatencyNet& net) {
  Policy policy;
  policy.config.network = net.network;
  // a task with as many inputs and outputs: what is loaded is a whole config
  policy.config.task.randman.n_units = kInputs;
  policy.config.task.randman.n_classes = kOutputs;
  policy.parameters = net.parameters;
  return policy;
}

/// One pass with a clock around each call; the world's part is not timed.
template <class Step>
SceneResult time_steps(const std::string& name, const LatencyNet& net, long n_steps, Step step,
                       std::vector<float>& outputs) {
  const double clock = clock_microseconds();
  std::vector<float> microseconds(static_cast<std::size_t>(n_steps));
  float inputs[kInputs];
  const double total_s = seconds_of([&] {
    for (float& taken : microseconds) {
      net.feel(outputs.data(), 1, inputs);
      const auto start = std::chrono::steady_clock::now();
      step(inputs, outputs.data());
      const std::chrono::duration<double, std::micro> passed =
          std::chrono::steady_clock::now() - start;
      taken = static_cast<float>(std::max(0.0, passed.count() - clock));
    }
  });
  double sum = 0.0;
  for (float taken : microseconds) sum += static_cast<double>(taken);
  std::sort(microseconds.begin(), microseconds.end());
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(n_steps - 1);
    return static_cast<double>(microseconds[static_cast<std::size_t>(place)]);
  };
  SceneResult result;
  result.scene = name;
  result.seconds_min = result.seconds_median = total_s;
  result.n_repeats = 1;
  result.sample_steps_per_s = static_cast<double>(n_steps) / total_s;
  result.microseconds_mean = sum / static_cast<double>(n_steps);
  result.microseconds_p50 = at(0.5);
  result.microseconds_p99 = at(0.99);
  result.microseconds_p999 = at(0.999);
  result.microseconds_max = at(1.0);
  return result;
}

void check(spikelane_status status, const char* error) {
  if (status != SPIKELANE_OK) throw RunError(std::string("latency_api: ") + error);
}

/// The session, closed at the end of the scope.
struct Session {
  spikelane_network network{};
  spikelane_session session{};
  char error[512];
  explicit Session(const Policy& policy) {
    const std::string bytes = policy_to_safetensors(policy.config, policy.parameters);
    check(spikelane_load_memory(bytes.data(), bytes.size(), nullptr, &network, error, sizeof error),
          error);
    check(spikelane_open(network, nullptr, &session, error, sizeof error), error);
  }
  ~Session() {
    spikelane_close(session, nullptr, 0);
    spikelane_unload(network, nullptr, 0);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  std::vector<float> read(int population, spikelane_field field, int n) {
    std::vector<float> values(static_cast<std::size_t>(n));
    check(spikelane_read(session, population, field, values.data(), values.size(), error,
                         sizeof error),
          error);
    return values;
  }
};

/// The exported file as a library; empty where there is no compiler.
class ExportedPolicy {
 public:
  explicit ExportedPolicy(const Policy& policy) {
    std::string name = (std::filesystem::temp_directory_path() / "spikelane_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return;
    folder_ = name;
    std::ofstream(folder_ / "policy.c") << policy_to_c(policy, "policy");
    const std::string command = "cd '" + folder_.string() +
                                "' && cc -std=c99 -O3 -march=native -ffp-contract=off -shared "
                                "-fPIC policy.c -o policy.so > log 2>&1";
    if (std::system(command.c_str()) != 0) return;
    library_ = ::dlopen((folder_ / "policy.so").c_str(), RTLD_NOW);
    if (library_ == nullptr) return;
    step = reinterpret_cast<Step>(::dlsym(library_, "policy_step"));
    reset = reinterpret_cast<Reset>(::dlsym(library_, "policy_reset"));
  }
  ~ExportedPolicy() {
    if (library_) ::dlclose(library_);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  ExportedPolicy(const ExportedPolicy&) = delete;
  ExportedPolicy& operator=(const ExportedPolicy&) = delete;

  using Step = int (*)(const float*, float*);
  using Reset = void (*)();
  Step step = nullptr;
  Reset reset = nullptr;

 private:
  std::filesystem::path folder_;
  void* library_ = nullptr;
};

}  // namespace

std::vector<SceneResult> run_latency_api(const BenchMachine& machine) {
  const long n_steps = machine.n_steps > 0 ? machine.n_steps : machine.is_quick ? 200 : 200'000;
  const LatencyNet net = make_latency_net(kNeurons);
  const Policy policy = latency_policy(net);
  Session api(policy);
  std::vector<float> outputs(kOutputs), of_file(kOutputs);
  const auto step = [&](const float* x, float* y) {
    check(spikelane_step(api.session, x, kInputs, y, kOutputs, api.error, sizeof api.error),
          api.error);
  };
  // warm up, then from the start
  time_steps("", net, std::min(n_steps, 10'000L), step, outputs);
  check(spikelane_reset(api.session, api.error, sizeof api.error), api.error);
  std::fill(outputs.begin(), outputs.end(), 0.0f);
  std::vector<SceneResult> results{time_steps("latency_api_256", net, n_steps, step, outputs)};

  StateHash hash;
  double n_spikes = 0.0;
  hash.add(std::span<const float>(api.read(0, SPIKELANE_MEMBRANE, kNeurons)));
  hash.add(std::span<const float>(api.read(0, SPIKELANE_SPIKES, kNeurons)));
  std::vector<std::int32_t> counts;
  for (float n : api.read(0, SPIKELANE_COUNTS, kNeurons)) {
    counts.push_back(static_cast<std::int32_t>(n));
    n_spikes += static_cast<double>(n);
  }
  hash.add(std::span<const std::int32_t>(counts));
  hash.add(std::span<const float>(api.read(1, SPIKELANE_MEMBRANE, kOutputs)));

  std::optional<ExportedPolicy> exported;
  if (!machine.is_quick) exported.emplace(policy);
  if (exported && exported->step) {
    exported->reset();
    results.push_back(time_steps("latency_c_file_256", net, n_steps, exported->step, of_file));
    if (of_file != outputs)
      throw RunError("latency_api: the exported C file and the engine differ");
  }
  for (SceneResult& result : results) {
    result.firing_rate = n_spikes / kNeurons / static_cast<double>(n_steps);
    result.n_operations = static_cast<double>(n_steps) * (5.0 + 2.0 * kInputs) * kNeurons +
                          n_spikes * (kNeurons + kOutputs);
    compare_with_peak(result, machine.peak.gflops_one_thread, "FMA peak of one thread");
    result.state_hash = hash.text();
  }
  return results;
}

}  // namespace spikelane
