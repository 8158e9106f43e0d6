#include "engine/run/train.h"

#include <optional>

#include "engine/run/acting_trainer.h"
#include "engine/run/episode_trials.h"
#include "engine/run/es_trainer.h"
#include "engine/run/kernl_trainer.h"
#include "engine/run/mean_test.h"
#include "engine/run/online_trainer.h"
#include "engine/run/seconds.h"
#include "kernels/cuda/cuda_library.h"

namespace spikelane {

namespace {

// Means over the updates since the last report.
struct Averages {
  double loss = 0.0, accuracy = 0.0, regression_loss = 0.0;
  bool has_regression = false, is_scored = true;  // the same in all updates
  std::int64_t n_updates = 0;

  void visit(StateVisitor& visitor, const std::string& name) {
    visitor.number(name + ".loss", loss);
    visitor.number(name + ".accuracy", accuracy);
    visitor.number(name + ".regression_loss", regression_loss);
    visitor.flag(name + ".has_regression", has_regression);
    visitor.flag(name + ".is_scored", is_scored);
    visitor.count(name + ".n_updates", n_updates, kMaxUpdates);
  }
};

// KeRNL's gradient knows inputs as events
void check_inputs(const RunConfig& config, const Dataset& data) {
  if (config.rule.kind != RuleKind::kKernl || !data.is_dense) return;
  throw UserError("rule.kind", "\"kernl\" with graded inputs",
                  "inputs that are all 0 or 1 for this rule; graded ones for rule \"es\"");
}

std::unique_ptr<Trainer> make_trainer(const RunConfig& config, const PlanOptions& options,
                                      const KernelTable& kernels, ThreadPool& pool,
                                      const TaskData& task, std::span<const float> start) {
  if (config.rule.is_acting())
    return std::make_unique<ActingTrainer>(config, options, kernels, pool, *task.loop, start);
  const auto searching = [&](std::unique_ptr<EsTrainer> trainer) {
    if (!start.empty()) trainer->set_mean(start);
    return trainer;
  };
  if (task.loop)
    return searching(std::make_unique<EsTrainer>(
        config, kernels, pool,
        std::make_unique<EpisodeTrials>(config, options, kernels, pool, *task.loop)));
  const Dataset& data = task.train;
  check_inputs(config, data);
  if (config.rule.kind == RuleKind::kKernl && config.rule.kernl.mode == KernlMode::kOnline)
    return std::make_unique<OnlineTrainer>(config, options, kernels, pool, data, start);
  if (config.rule.kind == RuleKind::kKernl)
    return std::make_unique<KernlTrainer>(config, options, kernels, pool, data, start);
  return searching(std::make_unique<EsTrainer>(config, options, kernels, pool, data));
}

// Scores of a parameter set on the first so many held-out samples or episodes; 0: all.
using Test = std::function<TestScores(std::span<const float> parameters, int n)>;

Test make_test(const RunConfig& config, const PlanOptions& options, const KernelTable& kernels,
               ThreadPool& pool, const TaskData& data) {
  if (data.loop) {
    const auto test = std::make_shared<EpisodeTest>(config, options, kernels, pool, *data.loop);
    return [test](std::span<const float> parameters, int n) { return test->run(parameters, n); };
  }
  // without held-out data the training samples are tested
  const auto test = std::make_shared<MeanTest>(config, options, kernels, pool,
                                               data.test.n_samples > 0 ? data.test : data.train);
  return [test](std::span<const float> parameters, int n) { return test->run(parameters, n); };
}

class TrainingRun {
 public:
  TrainingRun(const RunConfig& config, const PlanOptions& options, const KernelTable& kernels,
              ThreadPool& pool, const TaskData& data, const TrainHooks& hooks)
      : config_(config),
        hooks_(hooks),
        ranks_(hooks.ranks ? *hooks.ranks : one_rank()),
        trainer_(make_trainer(config, options, kernels, pool, data, hooks.start)),
        test_(make_test(config, options, kernels, pool, data)) {
    result_.seed = config.seed;
    result_.data_fingerprint = hooks.data_fingerprint;
    result_.tests_on_training_samples = data.tests_on_training_samples;
    result_.machine.isa = kernels.isa;
    result_.machine.backend = cuda_of(kernels) ? "cuda" : "cpu";
    result_.machine.n_threads = pool.n_threads();
    result_.machine.n_ranks = ranks_.n_ranks();
    trainer_->use_ranks(ranks_);
    if (hooks.resume) resume(*hooks.resume);
  }

  RunResult run() {
    while (trainer_->n_updates() < config_.run.n_updates) {
      if (any_rank(ranks_, hooks_.stop && hooks_.stop->load() != 0)) {
        result_.interrupted = "signal";
        break;
      }
      if (is_checkpoint_due()) save();
      update();
      const auto n_done = static_cast<int>(trainer_->n_updates());
      if (hooks_.on_update) hooks_.on_update(n_done);
      if (n_done % config_.run.report_every == 0) {
        result_.reports.push_back(report(is_test_due(n_done), config_.run.n_test_report));
        if (n_done < config_.run.n_updates) tell();
      }
    }
    // before the last test: who stops a run does not wait for it
    save();
    // an interrupted run is tested as at its reports, which is quick
    const int n_samples = result_.interrupted.empty() ? 0 : config_.run.n_test_report;
    // the last update is always a report. It is made behind the checkpoint: a training that goes on
    // has the reports of one that was never stopped
    if (averages_.n_updates > 0) {
      result_.final_report = report(true, n_samples);
      result_.reports.push_back(result_.final_report);
    } else {
      // the last report's averages stand for the end where no update has followed
      averages_ = last_;
      result_.final_report = report(true, n_samples);
    }
    tell();
    return result_;
  }

 private:
  bool is_test_due(int n_done) const {
    return config_.run.test_every == 0 || n_done % config_.run.test_every == 0;
  }

  // what the loop itself remembers; times go on from where they were
  void visit_state(StateVisitor& visitor) {
    trainer_->visit_state(visitor);
    averages_.visit(visitor, "run.averages");
    last_.visit(visitor, "run.last_averages");
    double norm = gradient_norm();
    visitor.number("run.gradient_norm", norm);
    gradient_norm_ = norm;
    visitor.number("run.n_sample_steps", n_sample_steps_);
    visitor.number("run.total_s", elapsed_s_);
    visitor.number("run.trial_s", result_.timing.trial_s);
    visitor.number("run.update_s", result_.timing.update_s);
    visitor.number("run.test_s", result_.timing.test_s);
  }

  void resume(const Checkpoint& checkpoint) {
    StateRestorer restorer(checkpoint.state, checkpoint.place);
    visit_state(restorer);
    restorer.finish();
    result_.reports = checkpoint.reports;
    saved_at_ = trainer_->n_updates();
    earlier_s_ = elapsed_s_;
  }

  bool is_checkpoint_due() const {
    const std::int64_t n_done = trainer_->n_updates();
    if (n_done == saved_at_) return false;
    if (config_.run.checkpoint_updates > 0) return n_done % config_.run.checkpoint_updates == 0;
    return config_.run.checkpoint_s > 0.0 && seconds_since(saved_) >= config_.run.checkpoint_s;
  }

  void save() {
    if (!hooks_.on_checkpoint || !ranks_.is_first()) return;
    if (has_saved_ && trainer_->n_updates() == saved_at_) return;
    elapsed_s_ = total_s();
    StateSaver saver;
    visit_state(saver);
    hooks_.on_checkpoint({trainer_->n_updates(), config_, result_.reports, saver.take(), "",
                          hooks_.data_fingerprint});
    saved_at_ = trainer_->n_updates();
    has_saved_ = true;
    saved_ = Clock::now();
  }

  double total_s() const { return earlier_s_ + seconds_since(start_); }

  void update() {
    const UpdateScores scores = trainer_->update();
    averages_.loss += scores.loss;
    averages_.accuracy += scores.accuracy;
    averages_.regression_loss += scores.regression_loss.value_or(0.0);
    averages_.has_regression = scores.regression_loss.has_value();
    averages_.is_scored = scores.is_scored;
    ++averages_.n_updates;
    gradient_norm_ = scores.gradient_norm;
    result_.timing.trial_s += scores.trial_s;
    result_.timing.update_s += scores.update_s;
    n_sample_steps_ += static_cast<double>(trainer_->sample_steps_per_update());
  }

  double gradient_norm() {
    if (!gradient_norm_) gradient_norm_ = trainer_->last_gradient_norm();
    return *gradient_norm_;
  }

  Report report(bool is_tested, int n_samples) {
    if (averages_.n_updates > 0) last_ = averages_;
    averages_ = {};
    Report report;
    report.update = static_cast<int>(trainer_->n_updates());
    if (last_.n_updates > 0 && last_.has_regression)
      report.regression_loss = last_.regression_loss / last_.n_updates;
    if (last_.n_updates > 0 && config_.task.is_control()) {
      report.train_return = -last_.loss / last_.n_updates;
      report.gradient_norm = gradient_norm();
    } else if (last_.n_updates > 0 && last_.is_scored) {
      report.train_loss = last_.loss / last_.n_updates;
      report.train_accuracy = last_.accuracy / last_.n_updates;
      report.gradient_norm = gradient_norm();
    }
    if (is_tested && ranks_.is_first()) {
      const auto start = Clock::now();
      const TestScores scores = test_(trainer_->tested_parameters(), n_samples);
      fill_report(report, scores);
      result_.timing.test_s += seconds_since(start);
    }
    report.wall_s = total_s();
    return report;
  }

  void tell() {
    result_.timing.total_s = total_s();
    if (result_.timing.trial_s > 0.0)
      result_.timing.sample_steps_per_s = n_sample_steps_ / result_.timing.trial_s;
    if (!ranks_.is_one()) {
      result_.timing.exchange_s = ranks_.traffic().seconds;
      result_.timing.exchange_bytes = ranks_.traffic().n_bytes_received;
    }
    result_.state_hash = trainer_->state_hash();
    result_.rule_tensors = trainer_->rule_tensors();
    if (hooks_.on_report && ranks_.is_first())
      hooks_.on_report(result_, trainer_->plan(), trainer_->tested_parameters());
  }

  const RunConfig& config_;
  const TrainHooks& hooks_;
  Ranks& ranks_;
  std::unique_ptr<Trainer> trainer_;
  Test test_;
  RunResult result_;
  Averages averages_, last_;
  std::optional<double> gradient_norm_ = 0.0;  // none: nobody has asked for the last update's
  double n_sample_steps_ = 0.0;
  double earlier_s_ = 0.0, elapsed_s_ = 0.0;  // until the checkpoint resumed from; until the last
  std::int64_t saved_at_ = 0;                 // update of the last checkpoint, or resumed from
  bool has_saved_ = false;
  Clock::time_point start_ = Clock::now(), saved_ = start_;
};

}  // namespace

RunResult train(const RunConfig& config, const PlanOptions& options, const KernelTable& kernels,
                ThreadPool& pool, const TaskData& data, const TrainHooks& hooks) {
  return TrainingRun(config, options, kernels, pool, data, hooks).run();
}

}  // namespace spikelane
