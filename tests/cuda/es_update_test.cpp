// Updates of an evolution strategy on CUDA: the bits of the CPU's, for every shaping, optimiser and
// schedule; a state saved on one backend goes on on the other. No trials are run, so that it is
// quick.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/config/user_error.h"
#include "engine/run/es_trainer.h"
#include "tests/cuda/cuda_kernels.h"

namespace spikelane::test {
namespace {

// 13 inputs, 7 hidden neurons, 3 outputs: tensors that begin within a random block
RunConfig update_config() {
  RunConfig config;
  config.seed = 0x123456789abull;
  config.network.n_inputs = 13;
  PopulationDescription hidden, output;
  hidden.name = "hidden";
  hidden.n = 7;
  output.name = "output";
  output.model = NeuronModel::kReadout;
  output.n = 3;
  config.network.populations = {hidden, output};
  ProjectionDescription in, out;
  in.from = "input";
  in.to = "hidden";
  in.has_bias = true;
  in.init.kind = out.init.kind = InitKind::kNormal;
  out.from = "hidden";
  out.to = "output";
  config.network.projections = {in, out};
  config.rule.es.n_members = 22;
  config.rule.es.optimiser.lr = 0.05;
  return config;
}

/// The network alone: who asks for updates brings the losses.
class NoTrials : public MemberTrials {
 public:
  NoTrials(const RunConfig& config, bool on_device)
      : plan_(compile_plan(config.network, config.loss, 5, for_members({}, config.rule.es))),
        on_device_(on_device) {}
  const Plan& plan() const override { return *plan_; }
  int n_samples() const override { return 1; }
  void begin_update(std::int64_t) override {}
  void run(const Members&, int, int, TrialScores&) override {}
  bool runs_on_device() const override { return on_device_; }
  std::int64_t n_sample_steps() const override { return 0; }

 private:
  std::unique_ptr<const Plan> plan_;
  bool on_device_;
};

struct Pair {
  Pair(const RunConfig& given, const KernelTable& cuda)
      : config(given),
        host(config, *find_kernels(""), pool, std::make_unique<NoTrials>(config, false)),
        device(config, cuda, pool, std::make_unique<NoTrials>(config, true)) {}

  // equal ones among them
  std::vector<double> losses(std::int64_t update) const {
    std::vector<double> values;
    for (int m = 0; m < config.rule.es.n_members; ++m)
      values.push_back(std::sin(static_cast<double>(m * m % 19) + static_cast<double>(update)));
    return values;
  }
  void update(EsTrainer& trainer) const {
    const auto values = losses(trainer.n_updates());
    trainer.begin_update();
    trainer.finish_update(values);
  }

  RunConfig config;
  ThreadPool pool{1};
  EsTrainer host, device;
};

void copy_state(EsTrainer& from, EsTrainer& to) {
  StateSaver saver;
  from.visit_state(saver);
  const std::vector<Tensor> tensors = saver.take();
  StateRestorer restorer(tensors, "memory");
  to.visit_state(restorer);
  restorer.finish();
}

}  // namespace

TEST_CASE("cuda: updates have the CPU's bits") {
  const KernelTable* kernels = cuda_kernels_or_skip();
  if (!kernels) return;
  using Change = void (*)(EsConfig&);
  const Change changes[] = {
      [](EsConfig&) {},
      [](EsConfig& es) { es.antithetic = false; },
      [](EsConfig& es) { es.n_members = 1, es.antithetic = false; },
      [](EsConfig& es) { es.n_members = 2; },
      [](EsConfig& es) { es.n_members = 600, es.antithetic = false; },
      [](EsConfig& es) { es.n_members = 600, es.shaping = ShapingKind::kZScore; },
      [](EsConfig& es) { es.shaping = ShapingKind::kNone; },
      [](EsConfig& es) { es.shaping = ShapingKind::kZScore; },
      [](EsConfig& es) { es.sigma_decay = 0.5; },
      [](EsConfig& es) { es.sigma_of["hidden.bias"] = 0.001; },
      [](EsConfig& es) { es.optimiser.kind = OptimiserKind::kSgd; },
      [](EsConfig& es) {
        es.optimiser.kind = OptimiserKind::kSgd;
        es.optimiser.momentum = 0.9;
        es.optimiser.nesterov = true;
      },
      [](EsConfig& es) { es.optimiser.kind = OptimiserKind::kRmsProp; },
      [](EsConfig& es) {
        es.optimiser.kind = OptimiserKind::kRmsProp;
        es.optimiser.epsilon_inside = false;
        es.optimiser.momentum = 0.5;
      },
      [](EsConfig& es) {
        es.optimiser.kind = OptimiserKind::kRmsProp;
        es.optimiser.epsilon_inside = false;
        es.optimiser.start_mean_square = 0.0;
      },
      [](EsConfig& es) {
        es.optimiser.kind = OptimiserKind::kAdamW;
        es.optimiser.weight_decay = 0.1;
      },
      [](EsConfig& es) { es.optimiser.weight_decay = 0.1, es.optimiser.beta1 = 0.2; },
      [](EsConfig& es) { es.optimiser.lr_decay = 0.5; },
      [](EsConfig& es) {
        es.phases = {{0, {"hidden.output.weight"}}, {2, {"hidden.bias", "hidden.output.weight"}}};
      },
      [](EsConfig& es) { es.noise = EsNoiseKind::kSign; },
      // the rest with noise of low rank
      [](EsConfig& es) { es.noise = EsNoiseKind::kLowRank, es.factors = NoiseKind::kSign; },
      [](EsConfig& es) { es.noise = EsNoiseKind::kLowRank; },
      [](EsConfig& es) { es.noise = EsNoiseKind::kLowRank, es.rank = 3, es.antithetic = false; },
      [](EsConfig& es) { es.noise = EsNoiseKind::kLowRank, es.rank = 16; },
      [](EsConfig& es) {
        es.noise = EsNoiseKind::kLowRank;
        es.phases = {{0, {"hidden.output.weight"}}, {1, {"input.hidden.weight"}}};
      },
  };
  const int n_full = static_cast<int>(std::size(changes)) - 5;
  int i = 0;
  for (const Change change : changes) {
    ++i;
    CAPTURE(i);
    RunConfig config = update_config();
    // more than one square of factors
    if (i > n_full) config.network.n_inputs = 37, config.network.populations[0].n = 33;
    change(config.rule.es);
    Pair pair(config, *kernels);
    const auto start = pair.host.parameters();
    CHECK(pair.device.parameters() == start);
    for (int update = 0; update < 3; ++update) {
      pair.update(pair.host);
      pair.update(pair.device);
      CHECK(pair.device.last_gradient_norm() == pair.host.last_gradient_norm());
    }
    // a member alone is no better than any other
    CHECK((pair.host.parameters() != start) == (config.rule.es.n_members > 1));
    CHECK(pair.device.parameters() == pair.host.parameters());
    CHECK(pair.device.state_hash() == pair.host.state_hash());
  }
}

TEST_CASE("cuda: a training goes on on the other backend") {
  const KernelTable* kernels = cuda_kernels_or_skip();
  if (!kernels) return;
  Pair straight(update_config(), *kernels), changing(update_config(), *kernels);
  for (int update = 0; update < 2; ++update) changing.update(changing.device);
  copy_state(changing.device, changing.host);
  for (int update = 0; update < 2; ++update) changing.update(changing.host);
  copy_state(changing.host, changing.device);
  for (int update = 0; update < 2; ++update) changing.update(changing.device);
  for (int update = 0; update < 6; ++update) straight.update(straight.host);
  CHECK(changing.device.state_hash() == straight.host.state_hash());
}

TEST_CASE("cuda: after a loss that is not finite the mean is the one before") {
  const KernelTable* kernels = cuda_kernels_or_skip();
  if (!kernels) return;
  Pair pair(update_config(), *kernels);
  pair.update(pair.device);
  const std::string hash = pair.device.state_hash();
  auto losses = pair.losses(1);
  losses[5] = std::numeric_limits<double>::infinity();
  pair.device.begin_update();
  CHECK_THROWS_WITH_AS(pair.device.finish_update(losses), "the loss of member 5 is not finite",
                       RunError);
  CHECK(pair.device.state_hash() == hash);
  pair.update(pair.device);
  CHECK(pair.device.n_updates() == 2);
}

}  // namespace spikelane::test
