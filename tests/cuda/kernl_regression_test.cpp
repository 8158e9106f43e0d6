// KeRNL's regression on CUDA: losses, scored rows, gradients and updates of every option, and whole
// runs of the program, all with the CPU's bits.
#include <doctest/doctest.h>

#include "tests/cuda/cuda_kernels.h"
#include "tests/learning/regression_net.h"
#include "tests/scratch_folder.h"
#include "tests/thrown.h"
#include "tests/tools/program.h"
#include "tests/tools/tiny_config.h"

namespace spikelane::test {
namespace {

struct Learned {
  std::vector<double> losses;
  std::vector<float> rows, gradient, parameters;
  bool operator==(const Learned&) const = default;
};

constexpr int kUpdates = 2;

// some updates, then one with noise that is given
Learned learn(const RegressionNet& net, const RegressionConfig& config,
              const KernelTable& kernels) {
  ThreadPool pool(1);
  KernlRegression regression(*net.plan, config, kernels, pool, 7, net.parameters());
  const EncodedInputs inputs = net.inputs();
  Learned learned;
  for (int update = 0; update < kUpdates; ++update) {
    learned.losses.push_back(regression.find_gradient(inputs, net.parameters(), update));
    regression.step(update);
  }
  std::vector<float> noise(
      static_cast<std::size_t>(inputs.n_samples() * inputs.n_steps() * regression.n_padded()));
  for (std::size_t i = 0; i < noise.size(); ++i)
    if (static_cast<int>(i) % regression.n_padded() < regression.n())
      noise[i] = static_cast<float>(i * 37 % 19) * 0.1f - 0.9f;
  learned.losses.push_back(
      regression.find_gradient(inputs, net.parameters(), kUpdates, noise.data()));
  if (config.loss_at == RegressionLossAt::kLastStep) {
    const RegressionRows& rows = regression.rows();
    const int n = inputs.n_samples() * regression.n_padded();
    learned.rows.assign(rows.target, rows.target + n);
    for (int f = 0; f < regression.n_filters(); ++f) {
      learned.rows.insert(learned.rows.end(), rows.theta[f], rows.theta[f] + n);
      learned.rows.insert(learned.rows.end(), rows.Gamma[f], rows.Gamma[f] + n);
    }
  }
  learned.gradient = regression.gradient();
  learned.parameters = regression.parameters();
  return learned;
}

}  // namespace

TEST_CASE("cuda: every option of the regression learns what the CPU learns") {
  const KernelTable* kernels = cuda_kernels_or_skip();
  if (!kernels) return;
  constexpr int kSteps = 37, kSamples = 19;  // blocks of 16 steps and parts of 8 samples, not whole
  int i_config = 0;
  for (const auto copy : {CopyKind::kFiltered, CopyKind::kSpiking})
    for (const auto target : {RegressionTargetKind::kMembrane, RegressionTargetKind::kDistance})
      for (const auto loss_at : {RegressionLossAt::kLastStep, RegressionLossAt::kEveryStep})
        for (const auto noise : {NoiseKind::kGaussian, NoiseKind::kSign})
          for (const int n_filters : {1, 2}) {
            ++i_config;
            CAPTURE(i_config);
            std::mt19937_64 generator(static_cast<std::uint64_t>(i_config));
            // a warp and less, and more than one
            const reference::AlifNet alif = random_net(generator, 5, i_config % 2 == 0 ? 19 : 70);
            const RegressionNet net(alif, random_spikes(generator, kSteps, kSamples, 5, 0.3),
                                    kSteps);
            RegressionConfig config;
            config.copy = copy;
            config.target = target;
            config.loss_at = loss_at;
            config.noise = noise;
            config.noise_std = 0.5;
            config.n_filters = n_filters;
            config.start = RegressionStart::kRandom;
            config.start_std = 0.2;
            config.gamma_low = 0.01;
            config.gamma_high = 0.3;
            if (i_config % 3 == 0) config.optimiser.kind = OptimiserKind::kRmsProp;
            if (i_config % 3 == 1) config.optimiser.kind = OptimiserKind::kSgd;
            const Learned expected = learn(net, config, *find_kernels(""));
            CHECK(expected.losses[0] > 0.0);
            CHECK(learn(net, config, *kernels) == expected);
          }
}

TEST_CASE("cuda: a state of the regression that is not finite is named as on the CPU") {
  const KernelTable* kernels = cuda_kernels_or_skip();
  if (!kernels) return;
  std::mt19937_64 generator(3);
  const RegressionNet net(random_net(generator, 5, 20), random_spikes(generator, 20, 9, 5, 0.3),
                          20);
  RegressionConfig config;
  config.noise_std = 1.0;
  ThreadPool pool(1);
  const auto n_floats = static_cast<std::size_t>(net.plan->n_block_floats());
  const AlignedMemory bad(n_floats * sizeof(float));
  auto* floats = reinterpret_cast<float*>(bad.data());
  std::fill_n(floats, n_floats, 3e38f);
  const auto message = [&](const KernelTable& table) {
    KernlRegression regression(*net.plan, config, table, pool, 7, net.parameters());
    return thrown_by([&] { regression.find_gradient(net.inputs(), floats, 4); });
  };
  const std::string expected = message(*find_kernels(""));
  CHECK(expected.find("not finite") != std::string::npos);
  CHECK(message(*kernels) == expected);
}

namespace {

// a run of the program in `folder`, with these settings
void train(const ScratchFolder& folder, std::vector<std::string> arguments,
           const std::vector<const char*>& settings) {
  ProgramSetting setting;
  setting.folder = folder.path();
  arguments.insert(arguments.begin(), {"train", "config.json"});
  for (const char* text : settings) arguments.insert(arguments.end(), {"--set", text});
  const ProgramOutcome outcome = run_program(arguments, setting);
  CAPTURE(outcome.error);
  REQUIRE(outcome.exit_code == 0);
}

// that of configs/mnist_kernl_original.json
constexpr const char* kOriginalRule =
    R"(rule={"kind": "kernl", "batch": 9, "derivative_at": "seed", "filters": "membrane",
             "readout_filter": false, "trains_weights": false,
             "regression": {"noise_std": 1.0, "start": "uniform", "start_std": 0.22,
                            "gamma_low": 0.0, "gamma_high": 0.0012,
                            "optimiser": {"kind": "rms_prop", "lr": 0.001}}})";
// weights learn too
constexpr const char* kOtherRule =
    R"(rule={"kind": "kernl", "batch": 9, "filters": "adaptation",
             "regression": {"noise": "sign", "noise_std": 0.5, "copy": "spiking", "n_filters": 2,
                            "target": "distance", "loss_at": "every_step"}})";

}  // namespace

TEST_CASE("cuda: train with a regression writes the weights of the CPU, byte for byte") {
  if (!cuda_kernels_or_skip()) return;
  for (const char* rule : {kOriginalRule, kOtherRule}) {
    const ScratchFolder folder;
    write_file(folder / "config.json", kKernlConfig);
    const std::vector<const char*> whole = {rule, "run.n_updates=4"},
                                   cut = {rule, "run.n_updates=2"};
    train(folder, {"--backend", "cpu", "--out", "cpu"}, whole);
    train(folder, {"--backend", "cuda", "--out", "cuda"}, whole);
    const std::string expected = read_file(folder / "cpu/weights.safetensors");
    CHECK(expected.find("hidden.sensitivity") != std::string::npos);
    CHECK(read_file(folder / "cuda/weights.safetensors") == expected);
    // and one that was saved goes on on the other backend
    const char* backends[] = {"cpu", "cuda"};
    for (int first = 0; first < 2; ++first) {
      const std::string out = std::string("from_") + backends[first];
      train(folder, {"--backend", backends[first], "--out", out}, cut);
      train(folder, {"--backend", backends[1 - first], "--resume", out, "--out", out}, whole);
      CHECK(read_file(folder / out / "weights.safetensors") == expected);
    }
  }
}

}  // namespace spikelane::test
