// A search over the C API takes the same members, the same maths and the same bits as EsTrainer;
// and rows that learn online follow the errors they are told.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/run/es_trainer.h"
#include "engine/run/online_learner.h"
#include "kernels/reference/twin.h"
#include "tests/api/learning_config.h"
#include "tests/api/policies.h"
#include "tests/scratch_folder.h"

using namespace spikelane;
using namespace spikelane::test;

namespace {

constexpr int kSteps = 12, kInputs = 6, kOutputs = 3;

// what one row's actions are worth: a made-up wish
double loss_of(const float* actions, int t) {
  double loss = 0.0;
  for (int o = 0; o < kOutputs; ++o) {
    const double d = static_cast<double>(actions[o]) - 0.1 * ((t + o) % 4);
    loss += d * d;
  }
  return loss;
}

/// Members run by the reference twin.
class TwinTrials : public MemberTrials {
 public:
  explicit TwinTrials(const Plan& plan) : plan_(plan) {}
  const Plan& plan() const override { return plan_; }
  int n_samples() const override { return 1; }
  bool gives_returns() const override { return true; }
  void begin_update(std::int64_t) override {}
  void run(const Members& members, int first, int n, TrialScores& scores) override {
    std::vector<float> block(static_cast<std::size_t>(plan_.n_block_floats()));
    for (int member = first; member < first + n; ++member) {
      members.fill(member, block.data());
      reference::Twin twin(plan_.view(), block.data());
      double loss = 0.0;
      for (int t = 0; t < kSteps; ++t) {
        twin.step(observations_at(t, 1, kInputs));
        loss += loss_of(twin.population(1).v.data(), t);
      }
      scores.losses[static_cast<std::size_t>(member)] = loss;
      for (float n_spikes : twin.population(0).n_spikes) n_spikes_ += n_spikes;
    }
  }
  std::int64_t n_sample_steps() const override { return 0; }
  double n_spikes() const { return n_spikes_; }

 private:
  const Plan& plan_;
  double n_spikes_ = 0.0;
};

}  // namespace

TEST_CASE("api: a search over the API is EsTrainer's, to the bit") {
  const Policy policy = start_policy(leaky_config(40));
  const auto plan = compile_plan(policy.config.network, LossConfig{}, 1 << 20, PlanOptions{});
  ThreadPool pool(1);
  auto trials = std::make_unique<TwinTrials>(*plan);
  const TwinTrials& twin_trials = *trials;
  EsTrainer trainer(policy.config, *find_kernels(""), pool, std::move(trials));

  ApiPolicy loaded(policy_to_safetensors(policy.config, policy.parameters));
  for (const int n_rows_each : {1, 16}) {
    spikelane_session_options options = spikelane_default_session_options();
    options.n_rows = n_rows_each;
    spikelane_session session{};
    char error[256];
    const auto opened =
        spikelane_open_search(loaded.network, &options, &session, error, sizeof error);
    INFO(error);
    REQUIRE(opened == SPIKELANE_OK);
    const int n_rows = 8 * n_rows_each;
    for (int update = 0; update < 3; ++update) {
      if (n_rows_each == 1) trainer.update();
      std::vector<double> losses(8, 0.0);
      std::vector<float> y(static_cast<std::size_t>(n_rows * kOutputs));
      for (int t = 0; t < kSteps; ++t) {
        const std::vector<float> one = observations_at(t, 1, kInputs);
        std::vector<float> x;
        for (int row = 0; row < n_rows; ++row) x.insert(x.end(), one.begin(), one.end());
        REQUIRE(spikelane_step(session, x.data(), x.size(), y.data(), y.size(), nullptr, 0) ==
                SPIKELANE_OK);
        // all rows of a member see the same, so the first one tells
        for (int member = 0; member < 8; ++member)
          losses[static_cast<std::size_t>(member)] +=
              loss_of(y.data() + member * n_rows_each * kOutputs, t);
      }
      if (update == 0) {
        std::vector<double> bad = losses;
        bad[3] = std::nan("");
        CHECK(spikelane_tell(session, bad.data(), 8, nullptr, 0) == SPIKELANE_ERROR_ARGUMENT);
        CHECK(spikelane_tell(session, losses.data(), 7, nullptr, 0) == SPIKELANE_ERROR_ARGUMENT);
        CHECK(spikelane_tell(session, nullptr, 8, nullptr, 0) == SPIKELANE_ERROR_ARGUMENT);
      }
      REQUIRE(spikelane_tell(session, losses.data(), 8, nullptr, 0) == SPIKELANE_OK);
    }
    spikelane_network mean{};
    REQUIRE(spikelane_freeze(session, &mean, nullptr, 0) == SPIKELANE_OK);
    const ScratchFolder scratch;
    const std::string path = (scratch / "mean.spikelane").string();
    REQUIRE(spikelane_save(mean, path.c_str(), nullptr, 0) == SPIKELANE_OK);
    CHECK(twin_trials.n_spikes() > 100);
    CHECK(trainer.parameters() != policy.parameters);
    CHECK((read_file(path) == policy_to_safetensors(policy.config, trainer.parameters())));
    spikelane_unload(mean, nullptr, 0);
    spikelane_close(session, nullptr, 0);
  }
}

TEST_CASE("api: traces of dense inputs and errors of readouts are those of spikes and neurons") {
  // inputs of 0 and 1, and the error of each hidden neuron made from the readouts' by hand
  const Policy policy = start_policy(learning_config());
  const KernlConfig& kernl = policy.config.rule.kernl;
  const auto plan = compile_plan(policy.config.network, LossConfig{}, kernl.k_steps,
                                 for_learning(PlanOptions{}, true));
  const KernelTable& kernels = *find_kernels("");
  KernlRule rule(*plan, kernels, kernl, policy.config.seed);
  AlignedMemory memory(static_cast<std::size_t>(plan->n_block_floats()) * sizeof(float));
  auto* block = reinterpret_cast<float*>(memory.data());
  plan->fill_block(policy.parameters.data(), block);
  rule.follow_weights(block);
  ThreadPool pool(1);
  KernlOnline hosted(*plan, rule, kernl, kernels, pool, 2, true);
  KernlOnline given(*plan, rule, kernl, kernels, pool, 2);
  const LearnedView& learned = rule.learned()[0];
  std::vector<float> of_hosted(policy.parameters.size()), of_given(policy.parameters.size());
  double n_spikes = 0.0;
  bool is_block_end = false;
  for (int t = 0; t < kernl.k_steps; ++t) {
    std::vector<float> x, errors, hidden;
    for (int row = 0; row < 2; ++row) {
      for (int i = 0; i < 5; ++i) x.push_back((t + i + row) % 3 == 0 ? 1.0f : 0.0f);
      const float e[2] = {0.25f * static_cast<float>(t - 3), 0.125f * static_cast<float>(row + 1)};
      errors.insert(errors.end(), e, e + 2);
      for (int i = 0; i < learned.n; ++i) {
        float q = 0.0f;
        for (int o = 0; o < 2; ++o)
          q = std::fma(e[o], learned.feedback[o * learned.n_padded + i], q);
        hidden.push_back(q);
      }
    }
    hosted.act(block, x);
    is_block_end = hosted.learn(block, errors);
    given.step(block, x, hidden);
  }
  CHECK(is_block_end);
  for (std::int64_t n : hosted.n_spikes()) n_spikes += static_cast<double>(n);
  CHECK(n_spikes > 5);
  hosted.take_gradient(of_hosted);
  given.take_gradient(of_given);
  double size = 0.0;
  for (const TensorPlan& tensor : plan->tensors()) {
    if (tensor.logical.name.find(".output.") != std::string::npos || tensor.is_bias) continue;
    for (auto i = static_cast<std::size_t>(tensor.logical.begin);
         i < static_cast<std::size_t>(tensor.logical.end); ++i) {
      size += std::fabs(of_hosted[i]);
      CHECK(of_hosted[i] == of_given[i]);
    }
  }
  CHECK(size > 0.0);
  // the traces too
  const auto a = hosted.traces(1, 2), b = given.traces(1, 2);
  CHECK(std::vector<float>(a.begin(), a.end()) == std::vector<float>(b.begin(), b.end()));
}

TEST_CASE("api: a session learns to follow a target, and rewards scale errors") {
  ApiPolicy loaded(policy_bytes(learning_config()));
  spikelane_session plain{}, rewarded{};
  REQUIRE(spikelane_open_learning(loaded.network, nullptr, &plain, nullptr, 0) == SPIKELANE_OK);
  REQUIRE(spikelane_open_learning(loaded.network, nullptr, &rewarded, nullptr, 0) == SPIKELANE_OK);
  auto mean_error = [&](spikelane_session session, int begin, int end, bool with_reward) {
    double sum = 0.0;
    for (int t = begin; t < end; ++t) {
      std::vector<float> x;
      for (int i = 0; i < 5; ++i)
        x.push_back(0.5f + 0.5f * std::sin(0.1f * static_cast<float>(t) + static_cast<float>(i)));
      float y[2], e[2];
      REQUIRE(spikelane_step(session, x.data(), 5, y, 2, nullptr, 0) == SPIKELANE_OK);
      const float target[2] = {0.5f + 0.4f * std::sin(0.1f * static_cast<float>(t)), -0.3f};
      for (int o = 0; o < 2; ++o) {
        e[o] = y[o] - target[o];
        sum += static_cast<double>(e[o]) * static_cast<double>(e[o]);
      }
      const float reward = 0.5f;
      for (float& value : e)
        if (with_reward) value *= 2.0f;
      REQUIRE(spikelane_learn(session, e, 2, with_reward ? &reward : nullptr, with_reward ? 1 : 0,
                              nullptr, 0) == SPIKELANE_OK);
    }
    return sum / (end - begin);
  };
  const double first = mean_error(plain, 0, 200, false);
  const double same = mean_error(rewarded, 0, 200, true);
  CHECK(first == same);
  const double last = (mean_error(plain, 200, 2800, false), mean_error(plain, 2800, 3000, false));
  MESSAGE("squared error ", first, " -> ", last);
  CHECK(last < 0.5 * first);
  // one call a step
  char error[256];
  const float e[2] = {};
  CHECK(spikelane_learn(plain, e, 2, nullptr, 0, error, sizeof error) == SPIKELANE_ERROR_ARGUMENT);
  CHECK(std::string(error).find("no step since") != std::string::npos);
  spikelane_close(plain, nullptr, 0);
  spikelane_close(rewarded, nullptr, 0);
}
