// Members whose noise is of low rank: what the kernels compute from shared weights and factors is
// what the twin computes, the gradient is the sum it claims to be, and training learns.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "engine/learning/gradient.h"
#include "engine/run/es_trainer.h"
#include "engine/run/mean_test.h"
#include "tasks/randman/randman.h"
#include "tests/run/scene_runs.h"

namespace spikelane::test {
namespace {

constexpr bool kIsSanitized = SPIKELANE_IS_SANITIZED != 0;
constexpr std::uint64_t kSeed = 77;

EsConfig low_rank_es(int rank, double sigma) {
  EsConfig es;
  es.n_members = 4;
  es.sigma = sigma;
  es.noise = EsNoiseKind::kLowRank;
  es.rank = rank;
  return es;
}

/// A scene whose members differ from a common mean by noise of low rank.
struct LowRankScene {
  LowRankScene(const PreparedScene& scene, Form form, int rank)
      : prepared(scene),
        es(low_rank_es(rank, 0.15)),
        plan(compile_plan(scene.scene.network, scene.scene.loss, scene.scene.n_steps,
                          for_members(options_of(form, true), es))),
        mean(scene.parameters[0]) {}

  /// The first tensor, where there are several, is left out of the search.
  Members members(const KernelTable& kernels) const {
    Members made(*plan, kernels, es, kSeed);
    std::vector<ParameterRange> searched;
    const auto& tensors = plan->parameter_tensors();
    for (std::size_t i = tensors.size() > 2 ? 1 : 0; i < tensors.size(); ++i)
      searched.push_back({static_cast<int>(i), tensors[i].begin, tensors[i].end});
    made.begin_update(mean, 5, searched);
    return made;
  }

  const PreparedScene& prepared;
  EsConfig es;
  std::unique_ptr<const Plan> plan;
  std::vector<float> mean;
};

constexpr int kMembers = 3;

/// Final membrane potentials, logits and spike counts of the twin, rows as (member, sample).
struct Rows {
  std::vector<float> v, logits;
  bool operator==(const Rows&) const = default;
};

Rows by_twin(const LowRankScene& scene, const KernelTable& kernels) {
  const Members members = scene.members(kernels);
  const PlanView& view = scene.plan->view();
  Rows rows;
  std::vector<std::vector<float>> v(static_cast<std::size_t>(view.n_populations));
  std::vector<float> block(static_cast<std::size_t>(scene.plan->n_block_floats()));
  for (int member = 0; member < kMembers; ++member) {
    members.fill(member, block.data());
    reference::Twin twin(view, block.data(), members.shared());
    for (int sample = 0; sample < scene.prepared.scene.n_samples; ++sample) {
      twin.reset();
      for (int t = 0; t < scene.prepared.scene.n_steps; ++t)
        twin.step(scene.prepared.frame(sample, t));
      for (std::size_t p = 0; p < v.size(); ++p) {
        const auto& population = twin.population(static_cast<int>(p));
        v[p].insert(v[p].end(), population.v.begin(), population.v.end());
        if (is_spiking(view.populations[p].model))
          v[p].insert(v[p].end(), population.n_spikes.begin(), population.n_spikes.end());
      }
      const auto logits = twin.logits();
      rows.logits.insert(rows.logits.end(), logits.begin(), logits.end());
    }
  }
  for (const auto& part : v) rows.v.insert(rows.v.end(), part.begin(), part.end());
  return rows;
}

Rows by_engine(const LowRankScene& scene, const EncodedInputs& inputs, const KernelTable& kernels,
               ThreadPool& pool, Way way) {
  const Members members = scene.members(kernels);
  const Plan& plan = *scene.plan;
  const int n_samples = scene.prepared.scene.n_samples, n_steps = scene.prepared.scene.n_steps;
  Simulation simulation(plan, kernels, pool, kMembers, n_samples, n_steps);
  for (int member = 0; member < kMembers; ++member) {
    // what nobody writes must not matter
    std::fill_n(simulation.block(member), plan.n_block_floats(),
                std::numeric_limits<float>::quiet_NaN());
    members.fill(member, simulation.block(member));
  }
  simulation.set_shared(members.shared());
  if (way == Way::kFused) simulation.run(inputs, n_steps);
  const int windows[] = {1, 5, 16, 2, 31};
  for (int i = 0; way == Way::kWindows && simulation.t() < n_steps; i = (i + 1) % 5)
    simulation.run(inputs, std::min(windows[i], n_steps - simulation.t()));
  if (way == Way::kCaller) {
    std::vector<float> x;
    const auto n_frame = static_cast<std::ptrdiff_t>(n_samples * plan.view().n_inputs);
    while (simulation.t() < n_steps) {
      const auto begin = scene.prepared.frames.begin() + simulation.t() * n_frame;
      x.clear();
      for (int member = 0; member < kMembers; ++member) x.insert(x.end(), begin, begin + n_frame);
      simulation.step(x);
    }
  }
  Rows rows;
  for (int p = 0; p < plan.view().n_populations; ++p) {
    const PopulationView& population = plan.population(p);
    const auto v = simulation.state().gather_floats(population.at.v, population.n);
    std::vector<float> n_spikes;
    if (is_spiking(population.model))
      n_spikes = simulation.state().gather_floats(population.at.n_spikes, population.n);
    for (std::size_t row = 0; row * static_cast<std::size_t>(population.n) < v.size(); ++row) {
      const auto at = static_cast<std::ptrdiff_t>(row) * population.n;
      rows.v.insert(rows.v.end(), v.begin() + at, v.begin() + at + population.n);
      if (!n_spikes.empty())
        rows.v.insert(rows.v.end(), n_spikes.begin() + at, n_spikes.begin() + at + population.n);
    }
  }
  std::vector<double> losses;
  std::vector<std::uint8_t> is_correct;
  simulation.score(inputs, &losses, &is_correct, &rows.logits);
  return rows;
}

RunConfig learning_config() {
  RunConfig config;
  config.seed = 12;
  RandmanConfig& randman = config.task.randman;
  randman.n_classes = 2;
  randman.n_units = config.network.n_inputs = 10;
  randman.n_samples_per_class = 150;
  randman.n_steps = 40;
  randman.n_test = 100;
  config.network.populations = {leaky("hidden", 32, 0.95), readout("output", 2, 0.9, 0.1)};
  ProjectionDescription out = weights("hidden", "output", 0.0, 0.0);
  out.init.kind = InitKind::kZeros;
  out.has_bias = true;
  out.bias_init.kind = InitKind::kZeros;
  config.network.projections = {weights("input", "hidden", -1.0, 1.5), out};
  config.loss.scale = 20.0;
  EsConfig& es = config.rule.es;
  es = low_rank_es(2, 0.05);
  es.n_members = 64;
  es.batch = 64;
  es.optimiser.lr = 0.05;
  return config;
}

}  // namespace

TEST_CASE("low rank: every scene, layout, order, cut and ISA has the bits of the twin") {
  ThreadPool pool(2);
  int i_run = 0;
  for (const Scene& made : small_scenes()) {
    const PreparedScene prepared(made);
    const int rank = 1 + i_run % 3;
    Rows expected;
    for (Form form : kForms) {
      const LowRankScene scene(prepared, form, rank);
      const EncodedInputs inputs(*scene.plan, made.inputs, prepared.samples);
      for (const KernelTable* kernels : runnable_kernels()) {
        ++i_run;
        if (kIsSanitized && i_run % 5 != 0) continue;
        INFO(made.name, ", rank ", rank, ", ", std::string(kernels->isa), ", ", name_of(form));
        const Way way = kWays[i_run % 2 == 0 ? 0 : 2 + i_run / 2 % 2];
        if (expected.v.empty()) expected = by_twin(scene, *kernels);
        const Rows rows = by_engine(scene, inputs, *kernels, pool, way);
        CHECK(rows.v == expected.v);
        CHECK(rows.logits == expected.logits);
      }
    }
  }
}

TEST_CASE("low rank: the twin's current is that of W + sigma/sqrt(r) B A^T, formed in double") {
  for (const Scene& made : small_scenes()) {
    if (!made.inputs.is_dense) continue;
    const PreparedScene prepared(made);
    const LowRankScene scene(prepared, Form::kNeuronLanes, 3);
    const KernelTable& kernels = *runnable_kernels().front();
    const Members members = scene.members(kernels);
    const Plan& plan = *scene.plan;
    // member 1 is the second of its pair: minus the first one's noise
    std::vector<std::vector<float>> blocks(
        2, std::vector<float>(static_cast<std::size_t>(plan.n_block_floats())));
    for (int member : {0, 1}) members.fill(member, blocks[static_cast<std::size_t>(member)].data());
    std::vector<float> formed[2] = {scene.mean, scene.mean};
    double largest = 0.0;
    for (const TensorPlan& tensor : plan.tensors())
      for (int member : {0, 1}) {
        const auto& block = blocks[static_cast<std::size_t>(member)];
        const auto number = [&](std::int64_t at) {
          return static_cast<double>(block[static_cast<std::size_t>(at)]);
        };
        for (int j = 0; j < tensor.n_rows; ++j)
          for (int i = 0; i < tensor.n_columns; ++i) {
            float& w = formed[member][static_cast<std::size_t>(
                tensor.logical.begin + std::int64_t{j} * tensor.n_columns + i)];
            if (tensor.is_bias) {
              w = block[static_cast<std::size_t>(tensor.block_begin + i)];
              continue;
            }
            double noise = 0.0;
            for (int k = 0; k < 3; ++k)
              noise += number(tensor.low_rank.b + std::int64_t{j} * 3 + k) *
                       number(tensor.low_rank.a + std::int64_t{k} * tensor.low_rank.a_stride + i);
            noise *= number(tensor.low_rank.scale);
            largest = std::max(largest, std::fabs(noise));
            w = static_cast<float>(static_cast<double>(w) + noise);
          }
      }
    CHECK(largest > 0.1);
    const auto plain = plan_of(made, Form::kNeuronLanes);
    for (int member : {0, 1}) {
      std::vector<float> block(static_cast<std::size_t>(plain->n_block_floats()));
      plain->fill_block(formed[member].data(), block.data());
      reference::Twin twin(plan.view(), blocks[static_cast<std::size_t>(member)].data(),
                           members.shared());
      reference::Twin usual(plain->view(), block.data());
      twin.step(prepared.frame(0, 0));
      usual.step(prepared.frame(0, 0));
      INFO(made.name, ", member ", member);
      const auto& v = twin.population(0).v;
      for (std::size_t i = 0; i < v.size(); ++i)
        CHECK(v[i] == doctest::Approx(usual.population(0).v[i]).epsilon(1e-4));
    }
  }
}

TEST_CASE("low rank: the gradient is the sum of shaped losses times B A^T, brute force") {
  for (const int rank : {1, 2, 3, 16})
    for (const int kind : {0, 1, 2, 3}) {
      const bool is_antithetic = kind % 2 == 0, is_sign = kind >= 2;
      INFO("rank ", rank, ", antithetic ", is_antithetic, ", signs ", is_sign);
      const int n_members = 22, n_rows = 70, n_columns = 131;
      std::vector<double> shaped(n_members);
      for (int m = 0; m < n_members; ++m) shaped[static_cast<std::size_t>(m)] = std::sin(1.0 + m);
      const GradientEstimate estimate(shaped, is_antithetic, kSeed, 9, is_sign);
      const FactorView factors{rank, n_columns, 640, 640 + 64 * 18, 192};
      const float sigma = 0.03f;
      std::vector<float> gradient(n_rows * n_columns);
      for (const KernelTable* kernels : runnable_kernels()) {
        INFO(kernels->isa);
        for (int first = 0; first < n_rows; first += 39)
          estimate.write_low_rank(kernels->accumulate_low_rank, factors, first,
                                  std::min(39, n_rows - first), sigma,
                                  gradient.data() + first * n_columns);
        int n_equal = 0;
        for (int j = 0; j < n_rows; j += 3)
          for (int i = 0; i < n_columns; i += 5) {
            double sum = 0.0, block = 0.0;
            const int n_draws = is_antithetic ? n_members / 2 : n_members;
            const int n_block = is_antithetic ? 4 : 8;
            for (int d = 0; d < n_draws; ++d) {
              const auto at = static_cast<std::size_t>(d);
              const double c = is_antithetic ? shaped[2 * at] - shaped[2 * at + 1] : shaped[at];
              const RandomKey key{kSeed, 1, 9, Stream::kNoise, static_cast<std::uint32_t>(d)};
              for (int k = 0; k < rank; ++k) {
                const auto drawn =
                    is_sign ? SPIKELANE_ISA::random_sign : SPIKELANE_ISA::random_normal;
                const double b = drawn(640 + j * rank + k, key);
                const double a = drawn(640 + 64 * 18 + k * 192 + i, key);
                block += (c * b) * a;
              }
              if ((d + 1) % n_block == 0 || d + 1 == n_draws) {
                sum += block;
                block = 0.0;
              }
            }
            const double divisor =
                n_members * static_cast<double>(sigma) * std::sqrt(static_cast<double>(rank));
            n_equal += gradient[static_cast<std::size_t>(j * n_columns + i)] ==
                       static_cast<float>(sum / divisor);
          }
        CHECK(n_equal == 24 * 27);
      }
    }
}

TEST_CASE("low rank: one state hash for every ISA, layout, order and number of threads") {
  const std::string frozen_hash = "202c9b59eb857793";
  RunConfig config = learning_config();
  config.rule.es.n_members = 12;
  config.rule.es.batch = 27;
  const TaskData data = make_randman(config.task.randman);
  for (int n_threads : {1, 3}) {
    ThreadPool pool(n_threads);
    for (const KernelTable* kernels : runnable_kernels())
      for (Form form : kForms) {
        INFO(std::string(kernels->isa), ", ", name_of(form), ", ", n_threads, " threads");
        EsTrainer trainer(config, options_of(form, false), *kernels, pool, data.train);
        for (int i = 0; i < 3; ++i) trainer.update();
        CHECK(trainer.state_hash() == frozen_hash);
      }
  }
}

TEST_CASE("low rank: it learns, rank 1 too, and a thread holds factors instead of weights") {
  for (const int rank : {1, 4}) {
    RunConfig config = learning_config();
    config.rule.es.rank = rank;
    const TaskData data = make_randman(config.task.randman);
    ThreadPool pool(2);
    const KernelTable& kernels = *runnable_kernels().back();
    EsTrainer trainer(config, {}, kernels, pool, data.train);
    CHECK(trainer.plan().n_block_floats() < trainer.plan().n_parameters() * (rank == 1 ? 1 : 2));
    MeanTest test(config, {}, kernels, pool, data.test);
    const TestScores before = test.run(trainer.parameters(), 0);
    for (int i = 0; i < (kIsSanitized ? 3 : 150); ++i) trainer.update();
    const TestScores after = test.run(trainer.parameters(), 0);
    INFO("rank ", rank, ": loss ", before.loss, " -> ", after.loss, ", accuracy ", before.accuracy,
         " -> ", after.accuracy);
    CHECK(before.firing_rate.at("hidden") > 0.005);
    CHECK(before.firing_rate.at("hidden") < 0.5);
    if (kIsSanitized) continue;
    CHECK(before.accuracy <= 0.6);
    CHECK(after.accuracy >= 0.85);
  }
}

}  // namespace spikelane::test
