// The exported C file: compiled by what compilers there are, it computes the bits of the twin, on
// this machine, as 32-bit code, and on a microcontroller's processor in qemu.
#include <doctest/doctest.h>

#include <bit>
#include <cstdio>
#include <string>

#include "engine/api/c_source.h"
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
      {"alif without memory of its spikes",
       config_of(
           R"({"name": "a", "model": "alif", "n": 16, "tau_m_ms": 20, "resistance": 8})" + readout,
           loop)},
  };
}

/// What all populations do in kSteps steps, as the program in C prints it: spikes and the bits of
/// v.
std::string twin_text(const Policy& policy, double& n_spikes) {
  const auto plan = compile_plan(policy.config.network, LossConfig{}, 1 << 20, PlanOptions{});
  std::vector<float> block(static_cast<std::size_t>(plan->n_block_floats()));
  plan->fill_block(policy.parameters.data(), block.data());
  reference::Twin twin(plan->view(), block.data());
  std::string text;
  n_spikes = 0.0;
  for (int t = 0; t < kSteps; ++t) {
    twin.step(observations_at(t, 1, policy.config.network.n_inputs));
    for (int p = 0; p < plan->view().n_populations; ++p) {
      const auto& population = twin.population(p);
      const bool fires = is_spiking(plan->population(p).model);
      for (std::size_t i = 0; i < population.v.size(); ++i) {
        char line[16];
        std::snprintf(line, sizeof line, "%d%08x\n", fires && population.s[i] != 0.0f,
                      std::bit_cast<std::uint32_t>(population.v[i]));
        text += line;
        n_spikes += fires ? population.s[i] : 0.0;
      }
    }
  }
  return text;
}

/// A program around the file that prints the same.
std::string harness(const Policy& policy) {
  const int n_inputs = policy.config.network.n_inputs;
  std::string text = "#include \"policy.c\"\n#include <stdio.h>\nstatic const float inputs[] = {\n";
  for (int t = 0; t < kSteps; ++t)
    for (float x : observations_at(t, 1, n_inputs)) {
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
int main(void) {
  float y[POLICY_N_OUTPUTS];
  int t, i;
  if (!policy_self_check()) { printf("the self check says no\n"); return 1; }
  policy_step(inputs, y);
  policy_reset();
  for (t = 0; t < )" +
          std::to_string(kSteps) + R"(; ++t) {
    policy_step(inputs + t * POLICY_N_INPUTS, y);
)";
  for (const PopulationDescription& population : policy.config.network.populations) {
    const std::string id = "policy_" + c_identifier(population.name);
    const std::string spikes = population.model == NeuronModel::kReadout ? "0" : id + "_s[i]";
    text += "    for (i = 0; i < " + std::to_string(population.n) + "; ++i) show(" + spikes + ", " +
            id + "_v[i]);\n";
  }
  return text + "  }\n  (void)y;\n  return 0;\n}\n";
}

const char* const kWarnings = " -Wall -Wextra -pedantic -Werror ";

/// Compiles and runs every case; `run` comes before the program's name.
void check_compiler(const std::string& compile, const std::string& run = "") {
  for (const EmbeddedCase& example : embedded_cases()) {
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

/// A Cortex-M starts from a table of addresses, with its float unit off.
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

}  // namespace

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

  TEST_CASE("embedded: a microcontroller, Cortex-M4 with its float unit") {
    const ScratchFolder start;
    const std::string boot = write_file(start / "start.c", kCortexStart).string();
    const std::string compile =
        "arm-none-eabi-gcc -std=gnu99 -O2 -ffp-contract=off -mcpu=cortex-m4 -mthumb "
        "-mfloat-abi=hard -mfpu=fpv4-sp-d16 --specs=rdimon.specs "
        "-Wl,--section-start=.vectors=0 '" +
        boot + "'";
    const std::string run =
        "timeout 60 qemu-system-arm -M mps2-an386 -nographic -semihosting -kernel";
    if (!can_run(compile, run))
      return note_skip(
          "no microcontroller here (Debian: gcc-arm-none-eabi libnewlib-arm-none-eabi "
          "qemu-system-arm)");
    check_compiler(compile, run);
  }
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
