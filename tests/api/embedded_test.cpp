// The exported C file: compiled by what compilers there are, it computes the bits of the twin, on
// this machine, as 32-bit code, and on a microcontroller's processor in qemu.
#include <dlfcn.h>
#include <doctest/doctest.h>

#include <bit>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>

#include "engine/api/c_source.h"
#include "engine/api/coding.h"
#include "engine/run/episode_trials.h"
#include "engine/run/es_trainer.h"
#include "kernels/reference/twin.h"
#include "tests/api/policies.h"
#include "tests/api/shell.h"
#include "tests/scratch_folder.h"
#include "tests/skip.h"

using namespace spikelane;
using namespace spikelane::test;

namespace {

constexpr int kSteps = 150;

std::string config_of(const std::string& populations, const std::string& projections) {
  return R"({"seed": 11, "task": {"kind": "randman", "n_classes": 3, "n_units": 5, "n_samples_per_class": 30, "n_steps": 20, "n_test": 30},
  "network": {"populations": [)" +
         populations + R"(], "projections": [)" + projections +
         R"(]}, "loss": {"logits": "max"}, "rule": {"kind": "es", "n_members": 8, "batch": 20}})";
}

/// A control task with one recurrent population.
std::string control_config(const std::string& task, int n_outputs) {
  return R"({"seed": 11, "task": )" + task +
         R"(, "network": {"populations": [{"name": "a", "model": "leaky", "n": 20, "beta": 0.8},
      {"name": "output", "model": "readout", "n": )" +
         std::to_string(n_outputs) + R"(, "beta": 0.7, "gain": 0.5}], "projections": [
      {"from": "input", "to": "a", "init": {"kind": "uniform", "low": -1.0, "high": 1.5}},
      {"from": "a", "to": "a"}, {"from": "a", "to": "output", "init": {"kind": "normal", "std": 0.5}}]},
  "rule": {"kind": "es", "n_members": 8}})";
}

const char* const kCartpole = R"({"kind": "cartpole", "control_steps": 2, "observation":
    {"coding": "gaussian", "n_fields": 6, "low": [-2.4, -2, -0.2, -2], "high": [2.4, 2, 0.2, 2]}})";

struct EmbeddedCase {
  const char* name;
  std::string config;
};

std::vector<EmbeddedCase> embedded_cases() {
  const std::string readout =
      R"(, {"name": "output", "model": "readout", "n": 3, "beta": 0.9, "gain": 0.5})";
  const std::string in =
      R"({"from": "input", "to": "a", "init": {"kind": "uniform", "low": -0.5, "high": 1.5}, "bias": {"kind": "uniform", "low": -0.1, "high": 0.1}})";
  const std::string loop =
      in +
      R"(, {"from": "a", "to": "a"}, {"from": "a", "to": "output", "bias": {"kind": "constant", "value": 0.125}})";
  auto leaky = [&](const std::string& rest) {
    return config_of(
        R"({"name": "a", "model": "leaky", "n": 20, "beta": 0.9)" + rest + "}" + readout, loop);
  };
  return {
      {"leaky, subtract", leaky("")},
      {"leaky, zero", leaky(R"(, "reset": "zero")")},
      {"leaky, none", leaky(R"(, "reset": "none", "threshold": 2.5)")},
      {"leaky, subtract, at once", leaky(R"(, "reset_delay": false)")},
      {"leaky, zero, at once", leaky(R"(, "reset": "zero", "reset_delay": false)")},
      {"two populations that hear each other, spiking output, many constants",
       config_of(
           R"({"name": "a", "model": "leaky", "n": 9, "beta": [0.9, 0.8, 0.7, 0.95, 0.99, 0.5, 0.0, 0.9, 1.0], "threshold": 1.25},
           {"name": "B-2", "model": "leaky", "n": 3, "beta": 0.8, "threshold": [0.5, 0.75, 1.0]})",
           in +
               R"(, {"from": "B-2", "to": "a"}, {"from": "a", "to": "B-2", "init": {"kind": "uniform", "low": -0.5, "high": 1.5}}, {"from": "input", "to": "B-2"})")},
      {"alif with everything, readouts of two decays",
       config_of(
           R"({"name": "a", "model": "alif", "n": 18, "tau_m_ms": 12, "resistance": 9, "threshold": 0.6, "adaptation": 0.8, "tau_a_ms": {"log_spaced": [20, 200]}, "refractory_steps": 2, "tau_s_ms": 6, "v_reset": -0.1},
           {"name": "b", "model": "alif", "n": 7, "tau_m_ms": 8, "resistance": 7, "threshold": 0.5, "adaptation": 0.3, "tau_a_ms": 50, "adaptation_scaling": "whole_spikes", "reset": "subtract"},
           {"name": "output", "model": "readout", "n": 3, "beta": [0.9, 0.5, 0.0], "gain": 0.5})",
           in +
               R"(, {"from": "a", "to": "a"}, {"from": "b", "to": "a", "signal": "spikes"}, {"from": "a", "to": "b", "init": {"kind": "uniform", "low": -0.2, "high": 0.6}}, {"from": "a", "to": "output", "bias": true}, {"from": "b", "to": "output"}, {"from": "input", "to": "output"})")},
      {"cartpole, Gaussian fields, choices", control_config(kCartpole, 2)},
      {"cartpole, rates, choices of a policy with a critic",
       std::string(
           R"({"seed": 11, "task": {"kind": "cartpole", "control_steps": 3, "observation": {"coding": "rates", "scale": 0.5}},
  "network": {"populations": [{"name": "a", "model": "alif", "n": 20, "alpha": 0.8, "resistance": "unit_gain"},
      {"name": "output", "model": "readout", "n": 3, "beta": 0.7}], "projections": [
      {"from": "input", "to": "a", "init": {"kind": "uniform", "low": -1.0, "high": 2.5}},
      {"from": "a", "to": "output"}]},
  "rule": {"kind": "kernl", "mode": "acting", "k_steps": 6}})")},
      {"pendulum, observations as they are, tanh",
       control_config(R"({"kind": "pendulum", "action_scale": 1.5})", 1)},
      {"pendulum, rates, clip",
       control_config(
           R"({"kind": "pendulum", "squash": "clip", "observation": {"coding": "rates", "scale": [1, 0.5, 2]}})",
           1)},
      {"alif without memory of its spikes",
       config_of(
           R"({"name": "a", "model": "alif", "n": 16, "tau_m_ms": 20, "resistance": 8})" + readout,
           loop)},
  };
}

std::string line_of(int s, float v) {
  char line[16];
  std::snprintf(line, sizeof line, "%d%08x\n", s, std::bit_cast<std::uint32_t>(v));
  return line;
}

/// What all populations do in kSteps steps, after the actions of a control task, as the program in
/// C prints it: spikes and the bits of v.
std::string twin_text(const Policy& policy, double& n_spikes) {
  const auto plan = compile_plan(policy.config.network, LossConfig{}, 1 << 20, PlanOptions{});
  std::vector<float> block(static_cast<std::size_t>(plan->n_block_floats()));
  plan->fill_block(policy.parameters.data(), block.data());
  reference::Twin twin(plan->view(), block.data());
  std::string text;
  n_spikes = 0.0;
  const ApiCoding coding(policy.config, false);
  std::vector<float> x(static_cast<std::size_t>(policy.config.network.n_inputs));
  for (int t = 0; t < kSteps; ++t) {
    const std::vector<float> observations = observations_at(t, 1, coding.n_observations());
    if (coding.is_raw())
      x = observations;
    else
      coding.encode(observations.data(), x.data());
    for (int k = 0; k < coding.n_steps(); ++k) twin.step(x);
    if (!coding.is_raw()) {
      std::vector<float> actions(static_cast<std::size_t>(coding.n_actions()));
      coding.decode(twin.population(plan->view().output).v.data(), actions.data());
      for (const float action : actions) text += line_of(0, action);
    }
    for (int p = 0; p < plan->view().n_populations; ++p) {
      const auto& population = twin.population(p);
      const bool fires = is_spiking(plan->population(p).model);
      for (std::size_t i = 0; i < population.v.size(); ++i) {
        text += line_of(fires && population.s[i] != 0.0f, population.v[i]);
        n_spikes += fires ? population.s[i] : 0.0;
      }
    }
  }
  return text;
}

/// A program around the file that prints the same.
std::string harness(const Policy& policy) {
  const ApiCoding coding(policy.config, false);
  std::string text = "#include \"policy.c\"\n#include <stdio.h>\nstatic const float inputs[] = {\n";
  for (int t = 0; t < kSteps; ++t)
    for (float x : observations_at(t, 1, coding.n_observations())) {
      char number[32];
      std::snprintf(number, sizeof number, "%af,%c", static_cast<double>(x), t % 4 ? ' ' : '\n');
      text += number;
    }
  text += R"(0};
static void show(int s, float v) {
  union { float value; uint32_t bits; } x;
  x.value = v;
  printf("%d%08lx\n", s, (unsigned long)x.bits);
}
/* inputs that are refused: one bad number in each place, and no pointers; nothing is written */
static int refuses(const float *good, float *y) {
  static const uint32_t bad[] = {0x7f800000u, 0xff800000u, 0x7fc00000u, 0xffc00000u, 0x7f800001u, 0x7fffffffu};
  float x[POLICY_N_INPUTS], out[POLICY_N_OUTPUTS];
  unsigned b;
  int i, j;
  for (b = 0; b < sizeof bad / sizeof bad[0]; ++b)
    for (i = 0; i < POLICY_N_INPUTS; ++i) {
      union { float value; uint32_t bits; } number;
      number.bits = bad[b];
      for (j = 0; j < POLICY_N_INPUTS; ++j) x[j] = good[j];
      x[i] = number.value;
      for (j = 0; j < POLICY_N_OUTPUTS; ++j) out[j] = 123.0f;
      if (policy_step(x, out) != 1) return 0;
      for (j = 0; j < POLICY_N_OUTPUTS; ++j) if (out[j] != 123.0f) return 0;
    }
  return policy_step(0, y) == 1 && policy_step(good, 0) == 1;
}
int main(void) {
  float y[POLICY_N_OUTPUTS];
  int t, i;
  if (!policy_self_check()) { printf("the self check says no\n"); return 1; }
  policy_step(inputs, y);
  policy_reset();
  for (t = 0; t < )" +
          std::to_string(kSteps) + R"(; ++t) {
    if (t % 40 == 7 && !refuses(inputs + t * POLICY_N_INPUTS, y)) { printf("not refused\n"); return 1; }
    if (policy_step(inputs + t * POLICY_N_INPUTS, y) != 0) { printf("no step\n"); return 1; }
)";
  if (!coding.is_raw()) text += "    for (i = 0; i < POLICY_N_OUTPUTS; ++i) show(0, y[i]);\n";
  for (const PopulationDescription& population : policy.config.network.populations) {
    const std::string id = "policy_" + c_identifier(population.name);
    const std::string spikes = population.model == NeuronModel::kReadout ? "0" : id + "_s[i]";
    text += "    for (i = 0; i < " + std::to_string(population.n) + "; ++i) show(" + spikes + ", " +
            id + "_v[i]);\n";
  }
  return text + "  }\n  (void)y;\n  return 0;\n}\n";
}

const char* const kWarnings = " -Wall -Wextra -pedantic -Werror ";

/// Compiles and runs the cases; `run` comes before the program's name.
void check_cases(const std::string& compile, const std::string& run,
                 const std::vector<EmbeddedCase>& cases) {
  for (const EmbeddedCase& example : cases) {
    CAPTURE(example.name);
    const Policy policy = start_policy(example.config);
    const ScratchFolder scratch;
    write_file(scratch / "policy.c", policy_to_c(policy, "policy"));
    write_file(scratch / "main.c", harness(policy));
    double n_spikes = 0.0;
    const std::string expected = twin_text(policy, n_spikes);
    CHECK(n_spikes > kSteps);
    const std::string folder = "cd '" + scratch.path().string() + "' && ";
    run_shell(folder + compile + kWarnings + "main.c -o program");
    const std::string said = run_shell(folder + run + " ./program");
    CHECK(said.substr(0, 100) == expected.substr(0, 100));
    CHECK((said == expected));
  }
}

void check_compiler(const std::string& compile, const std::string& run = "") {
  check_cases(compile, run, embedded_cases());
}

/// A Cortex-M starts from a table of addresses, with its float unit, if it has one, off.
const char* const kCortexStart = R"(#include <stdint.h>
extern int _start(void);
static void reset(void) {
  *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20;
  __asm__ volatile("dsb\n isb");
  _start();
}
typedef void (*entry)(void);
__attribute__((section(".vectors"), used)) static const entry vectors[] = {(entry)0x00400000, reset};
)";

/// Whether a program compiled so runs here.
bool can_run(const std::string& compile, const std::string& run = "") {
  const ScratchFolder scratch;
  write_file(scratch / "main.c",
             "#include <stdio.h>\nint main(void) { printf(\"%d\", 7); return 0; }\n");
  int status = -1;
  const std::string said = run_shell("cd '" + scratch.path().string() + "' && " + compile +
                                         " main.c -o program && " + run + " ./program",
                                     status);
  return status == 0 && said == "7";
}

/// Every case on a microcontroller's processor, on a board that qemu knows.
void check_microcontroller(const std::string& processor, const std::string& board) {
  const ScratchFolder start;
  const std::string boot = write_file(start / "start.c", kCortexStart).string();
  const std::string compile = "arm-none-eabi-gcc -std=gnu99 -O2 -ffp-contract=off -mthumb " +
                              processor + " --specs=rdimon.specs -Wl,--section-start=.vectors=0 '" +
                              boot + "'";
  const std::string run =
      "timeout 60 qemu-system-arm -M " + board + " -nographic -semihosting -kernel";
  if (!can_run(compile, run))
    return note_skip(
        "no microcontroller here (Debian: gcc-arm-none-eabi libnewlib-arm-none-eabi "
        "qemu-system-arm)");
  check_compiler(compile, run);
}

/// Twenty episodes in the engine's loop, and with the exported file in its place: how many differ.
void hold_cartpole(const Policy& policy, int& n_different, int& n_left, int& n_steps) {
  const ScratchFolder scratch;
  write_file(scratch / "policy.c", policy_to_c(policy, "policy"));
  run_shell("cd '" + scratch.path().string() +
            "' && gcc -std=c99 -O2 -ffp-contract=off -shared -fPIC policy.c -o policy.so");
  void* library = ::dlopen((scratch / "policy.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  REQUIRE(library != nullptr);
  const auto reset = reinterpret_cast<void (*)()>(::dlsym(library, "policy_reset"));
  const auto step =
      reinterpret_cast<int (*)(const float*, float*)>(::dlsym(library, "policy_step"));
  REQUIRE((reset != nullptr && step != nullptr));

  const TaskData data = load_task(policy.config);
  const LoopView& loop = data.loop->view();
  ThreadPool pool(1);
  EpisodeTest test(policy.config, {}, *find_kernels(""), pool, *data.loop);
  // (episode, control step, state and action) of the engine
  struct Course {
    std::vector<double> states[20];
    std::vector<float> actions[20];
  } course;
  const EpisodeWatch watch{
      &course, [](void* watcher, int episode, int t, const double* state, const float* action) {
        auto& seen = *static_cast<Course*>(watcher);
        seen.states[episode].insert(seen.states[episode].end(), state, state + 4);
        if (t >= 0) seen.actions[episode].push_back(action[0]);
      }};
  const TestScores scores = test.run(policy.parameters, 20, watch);
  CHECK(scores.firing_rate.at("a") > 0.01);
  for (int episode = 0; episode < 20; ++episode) {
    std::vector<double> state(4);
    std::vector<float> observation(4);
    const RandomKey key{policy.config.seed, 0, 0, Stream::kTestEnvironment,
                        static_cast<std::uint32_t>(episode)};
    loop.port.reset(loop.port, nullptr, key, state.data(), observation.data());
    reset();
    std::vector<double> states = state;
    std::vector<float> actions;
    for (bool goes_on = true; goes_on && std::ssize(actions) < loop.max_steps; ++n_steps) {
      float action = -1.0f;
      n_different += step(observation.data(), &action) != 0;
      actions.push_back(action);
      n_left += action == 0.0f;
      goes_on = loop.port.step(loop.port, nullptr, &action, state.data(), observation.data()).end ==
                EpisodeEnd::kGoesOn;
      states.insert(states.end(), state.begin(), state.end());
    }
    n_different += states != course.states[episode] || actions != course.actions[episode];
  }
  ::dlclose(library);
}

/// Steps of every kind of float in every input: the file and the session agree on the bits of the
/// actions, or both say that the state has overflowed.
void sweep_floats(const EmbeddedCase& example, int& n_overflows, int& n_refused) {
  CAPTURE(example.name);
  const Policy policy = start_policy(example.config);
  const ScratchFolder scratch;
  write_file(scratch / "policy.c", policy_to_c(policy, "policy"));
  run_shell("cd '" + scratch.path().string() +
            "' && gcc -std=c99 -O2 -ffp-contract=off -shared -fPIC policy.c -o policy.so");
  void* library = ::dlopen((scratch / "policy.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  REQUIRE(library != nullptr);
  const auto reset = reinterpret_cast<void (*)()>(::dlsym(library, "policy_reset"));
  const auto step =
      reinterpret_cast<int (*)(const float*, float*)>(::dlsym(library, "policy_step"));
  REQUIRE((reset != nullptr && step != nullptr));
  ApiPolicy loaded(policy_to_safetensors(policy.config, policy.parameters));
  REQUIRE(loaded.status == SPIKELANE_OK);
  const spikelane_session session = loaded.open(1);
  const ApiCoding coding(policy.config, false);
  const int n_in = coding.n_observations();
  const float numbers[] = {0.0f,
                           -0.0f,
                           std::numeric_limits<float>::denorm_min(),
                           -std::numeric_limits<float>::denorm_min(),
                           std::numeric_limits<float>::min(),
                           -1e-39f,
                           std::numeric_limits<float>::max(),
                           -std::numeric_limits<float>::max(),
                           std::numeric_limits<float>::infinity(),
                           -std::numeric_limits<float>::infinity(),
                           std::numeric_limits<float>::quiet_NaN(),
                           1e20f};
  for (int i = 0; i < n_in; ++i)
    for (const float number : numbers) {
      CAPTURE(i);
      CAPTURE(number);
      reset();
      REQUIRE(spikelane_reset(session, nullptr, 0) == SPIKELANE_OK);
      bool has_overflowed = false;
      for (int t = 0; t < 6 && !has_overflowed; ++t) {
        std::vector<float> x = observations_at(t, 1, n_in);
        if (t == 2) x[static_cast<std::size_t>(i)] = number;
        std::vector<float> in_c(static_cast<std::size_t>(coding.n_actions()), -7.0f),
            in_library = in_c;
        const int status = step(x.data(), in_c.data());
        const auto expected = spikelane_step(session, x.data(), x.size(), in_library.data(),
                                             in_library.size(), nullptr, 0);
        CHECK(status == (expected == SPIKELANE_OK                 ? 0
                         : expected == SPIKELANE_ERROR_ARGUMENT   ? 1
                         : expected == SPIKELANE_ERROR_NOT_FINITE ? 2
                                                                  : -1));
        has_overflowed = status == 2;
        n_overflows += status == 2;
        n_refused += status == 1;
        if (status == 1) CHECK(in_c[0] == -7.0f);
        if (status == 0)
          CHECK(std::memcmp(in_c.data(), in_library.data(), in_c.size() * sizeof(float)) == 0);
      }
    }
  spikelane_close(session, nullptr, 0);
  ::dlclose(library);
}

}  // namespace

TEST_CASE("embedded: every kind of float is refused or stepped as the library does") {
  if (!has_program("gcc")) return note_skip("no gcc");
  int n_overflows = 0, n_refused = 0;
  for (const EmbeddedCase& example : embedded_cases())
    sweep_floats(example, n_overflows, n_refused);
  CHECK(n_refused > 100);
  CHECK(n_overflows > 10);
}

TEST_CASE("embedded: a cart-pole's file goes on after a NaN as if it had not come") {
  if (!has_program("gcc")) return note_skip("no gcc");
  std::vector<EmbeddedCase> cases = embedded_cases();
  check_cases("gcc -std=c99 -O1 -ffp-contract=off", "", {cases[0], cases[6], cases[7]});
}

TEST_SUITE("long") {
  TEST_CASE("embedded: gcc -O2") { check_compiler("gcc -std=c99 -O2 -ffp-contract=off"); }

  TEST_CASE("embedded: gcc for this very processor, without the switch that forbids contraction") {
    check_compiler("gcc -std=gnu99 -O3 -march=native");
  }

  TEST_CASE("embedded: gcc -O0 for the oldest processor: fma in double") {
    check_compiler("gcc -std=c99 -O0");
  }

  TEST_CASE("embedded: clang") {
    if (!has_program("clang")) return note_skip("no clang");
    check_compiler("clang -std=c99 -O2 -ffp-contract=off");
    check_compiler("clang -std=gnu99 -O2 -march=native");
  }

  TEST_CASE("embedded: 32-bit code with SSE2") {
    const std::string compile = "gcc -std=c99 -O2 -ffp-contract=off -m32 -msse2 -mfpmath=sse";
    if (!can_run(compile)) return note_skip("no 32-bit programs here (Debian: gcc-multilib)");
    check_compiler(compile);
  }

  TEST_CASE("embedded: a microcontroller with a float unit, Cortex-M4") {
    check_microcontroller("-mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16", "mps2-an386");
  }

  TEST_CASE(
      "embedded: a microcontroller without one, Cortex-M3: floats by the compiler's library") {
    check_microcontroller("-mcpu=cortex-m3 -mfloat-abi=soft", "mps2-an385");
  }
}

TEST_CASE("embedded: a cart-pole held by the exported file is the engine's, to the bit") {
  // a little trained, so that it pushes to both sides
  Policy policy = start_policy(control_config(kCartpole, 2));
  EsConfig& es = policy.config.rule.es;
  es.n_members = 16;
  es.sigma = 0.3;
  es.optimiser.lr = 0.1;
  const TaskData data = load_task(policy.config);
  const KernelTable& kernels = *find_kernels("");
  ThreadPool pool(1);
  EsTrainer trainer(
      policy.config, kernels, pool,
      std::make_unique<EpisodeTrials>(policy.config, PlanOptions{}, kernels, pool, *data.loop));
  for (int u = 0; u < 10; ++u) trainer.update();
  policy.parameters = trainer.parameters();
  int n_different = 0, n_left = 0, n_steps = 0;
  hold_cartpole(policy, n_different, n_left, n_steps);
  CHECK(n_different == 0);
  CHECK(n_left > 0);
  CHECK(n_left < n_steps);
}

TEST_CASE("embedded: what would change the numbers is refused when it is compiled or run") {
  const Policy policy = start_policy(embedded_cases()[0].config);
  const ScratchFolder scratch;
  const std::string source = policy_to_c(policy, "policy");
  write_file(scratch / "policy.c", source);
  const std::string folder = "cd '" + scratch.path().string() + "' && ";
  int status = 0;
  CHECK(run_shell(folder + "gcc -std=c99 -c -ffast-math policy.c", status).find("fast-math") !=
        std::string::npos);
  CHECK(status != 0);
#if defined(__x86_64__)
  CHECK(
      run_shell(folder + "gcc -std=c99 -c -mfpmath=387 policy.c", status).find("FLT_EVAL_METHOD") !=
      std::string::npos);
  CHECK(status != 0);
  // gnu99 says FLT_EVAL_METHOD 16 where the processor has 16-bit floats; floats are floats there
  CHECK(run_shell(folder + "gcc -std=gnu99 -c -mavx512fp16 policy.c", status).empty());
  CHECK(status == 0);
#endif
  // a weight that is not what it was
  const auto at = source.find("static const float policy_a_from_input");
  REQUIRE(at != std::string::npos);
  std::string broken = source;
  const auto digit = broken.find_first_of("123456789", broken.find("{", broken.find("{", at) + 1));
  broken[digit] = broken[digit] == '9' ? '8' : static_cast<char>(broken[digit] + 1);
  write_file(scratch / "policy.c", broken);
  write_file(scratch / "main.c", harness(policy));
  run_shell(folder + "gcc -std=c99 -O1 main.c -o program");
  CHECK(run_shell(folder + "./program", status) == "the self check says no\n");
  CHECK(status != 0);
}
