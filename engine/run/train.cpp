#include "engine/run/train.h"

#include <chrono>
#include <optional>

#include "engine/run/es_trainer.h"
#include "engine/run/kernl_trainer.h"
#include "engine/run/mean_test.h"
#include "engine/run/online_trainer.h"

namespace spikelane {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Means over the updates since the last report.
struct Averages {
  double loss = 0.0, accuracy = 0.0, regression_loss = 0.0;
  bool has_regression = false, is_scored = true;  // the same in all updates
  int n_updates = 0;
};

std::unique_ptr<Trainer> make_trainer(const RunConfig& config, const PlanOptions& options,
                                      const KernelTable& kernels, ThreadPool& pool,
                                      const Dataset& data) {
  if (config.rule.kind == RuleKind::kKernl && config.rule.kernl.mode == KernlMode::kOnline)
    return std::make_unique<OnlineTrainer>(config, options, kernels, pool, data);
  if (config.rule.kind == RuleKind::kKernl)
    return std::make_unique<KernlTrainer>(config, options, kernels, pool, data);
  return std::make_unique<EsTrainer>(config, options, kernels, pool, data);
}

class TrainingRun {
 public:
  TrainingRun(const RunConfig& config, const PlanOptions& options, const KernelTable& kernels,
              ThreadPool& pool, const TaskData& data, const TrainHooks& hooks)
      : config_(config),
        hooks_(hooks),
        trainer_(make_trainer(config, options, kernels, pool, data.train)),
        // without held-out data the training samples are tested
        test_(config, options, kernels, pool, data.test.n_samples > 0 ? data.test : data.train) {
    result_.seed = config.seed;
    result_.machine.isa = kernels.isa;
    result_.machine.backend = kernels.cuda ? "cuda" : "cpu";
    result_.machine.n_threads = pool.n_threads();
  }

  RunResult run() {
    while (trainer_->n_updates() < config_.run.n_updates) {
      if (hooks_.stop && hooks_.stop->load() != 0) {
        result_.interrupted = "signal";
        break;
      }
      update();
      const auto n_done = static_cast<int>(trainer_->n_updates());
      if (hooks_.on_update) hooks_.on_update(n_done);
      if (n_done % config_.run.report_every == 0) {
        result_.reports.push_back(report(is_test_due(n_done), config_.run.n_test_report));
        if (n_done < config_.run.n_updates) tell();
      }
    }
    // the last report's averages stand for the end where no update has followed
    if (averages_.n_updates == 0) averages_ = last_;
    // an interrupted run is tested as at its reports, which is quick
    result_.final_report =
        report(true, result_.interrupted.empty() ? 0 : config_.run.n_test_report);
    tell();
    return result_;
  }

 private:
  bool is_test_due(int n_done) const {
    return config_.run.test_every == 0 || n_done % config_.run.test_every == 0;
  }

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

  Report report(bool is_tested, int n_samples) {
    if (averages_.n_updates > 0) last_ = averages_;
    averages_ = {};
    Report report;
    report.update = static_cast<int>(trainer_->n_updates());
    if (last_.n_updates > 0 && last_.has_regression)
      report.regression_loss = last_.regression_loss / last_.n_updates;
    if (last_.n_updates > 0 && last_.is_scored) {
      report.train_loss = last_.loss / last_.n_updates;
      report.train_accuracy = last_.accuracy / last_.n_updates;
      report.gradient_norm = gradient_norm_;
    }
    if (is_tested) {
      const auto start = Clock::now();
      const TestScores scores = test_.run(trainer_->tested_parameters(), n_samples);
      report.test_loss = scores.loss;
      report.test_accuracy = scores.accuracy;
      report.firing_rate = scores.firing_rate;
      result_.timing.test_s += seconds_since(start);
    }
    report.wall_s = seconds_since(start_);
    return report;
  }

  void tell() {
    result_.timing.total_s = seconds_since(start_);
    if (result_.timing.trial_s > 0.0)
      result_.timing.sample_steps_per_s = n_sample_steps_ / result_.timing.trial_s;
    result_.state_hash = trainer_->state_hash();
    result_.rule_tensors = trainer_->rule_tensors();
    if (hooks_.on_report) hooks_.on_report(result_, trainer_->plan(), trainer_->parameters());
  }

  const RunConfig& config_;
  const TrainHooks& hooks_;
  std::unique_ptr<Trainer> trainer_;
  MeanTest test_;
  RunResult result_;
  Averages averages_, last_;
  double gradient_norm_ = 0.0, n_sample_steps_ = 0.0;
  Clock::time_point start_ = Clock::now();
};

}  // namespace

RunResult train(const RunConfig& config, const PlanOptions& options, const KernelTable& kernels,
                ThreadPool& pool, const TaskData& data, const TrainHooks& hooks) {
  return TrainingRun(config, options, kernels, pool, data, hooks).run();
}

}  // namespace spikelane
