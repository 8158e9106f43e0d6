// spikelane train: a config in, results.json, weights.safetensors and checkpoints out.
#include <algorithm>
#include <cstdio>
#include <memory>

#include "engine/config/parse_config.h"
#include "engine/learning/schedule_notes.h"
#include "engine/report/results_json.h"
#include "engine/report/weights.h"
#include "engine/run/fingerprints.h"
#include "engine/run/seconds.h"
#include "engine/run/train.h"
#include "engine/state/hash.h"
#include "tools/commands.h"
#include "tools/failure.h"
#include "tools/mpi_ranks.h"
#include "tools/output_folder.h"
#include "tools/progress.h"
#include "tools/resume.h"
#include "tools/run_options.h"
#include "tools/stop_signal.h"

namespace spikelane {
namespace {

struct TrainOptions {
  RunOptions run;
  ResumeOptions resume;
  std::optional<std::string> start_from;  // a weight file
};

/// Another rank has said what is wrong.
struct ToldByOther {
  int exit_code;
};

class Training {
 public:
  Training(const TrainOptions& options, Ranks& ranks)
      : ranks_(ranks),
        options_all_(options),
        options_(options.run),
        checked_(read_config(options.run.config, problems_)),
        machine_(choose_machine(options.run, problems_)),
        resume_(read_resume(options)),
        start_(read_start(options)),
        folder_(out_folder(), problems_) {
    // processes on one machine share its cores
    if (!options.run.threads)
      machine_.n_threads = std::max(1, machine_.n_threads / ranks.n_on_machine());
    // what learning holds beside that lies on the device, where there is one
    const int n_learning = machine_.runs_on_device() ? 0 : machine_.n_threads;
    // mean, gradient, two vectors of the optimiser; and one member a thread
    if (checked_ && check_memory(*checked_, 4 + machine_.n_threads, n_learning, problems_))
      check_trial_memory(*checked_, std::max(1, n_learning), problems_);
    throw_if_any_problems();
  }

  int run() {
    const RunConfig& config = checked_->config;
    const std::atomic<int>& stop =
        catch_stop_signals(!ranks_.is_first() ? ""
                                              : "\nstopping: what is under way (reading data, an "
                                                "update or a test) takes longer than a "
                                                "second; when it ends, the checkpoint is written. "
                                                "A second signal ends the run at once\n");
    stop_ = &stop;
    if (ranks_.is_first()) say(text_stream(), start_text());
    const auto start = Clock::now();
    TaskData data;
    std::string fingerprint;
    do_together(ranks_, [&] {
      data = load_task(config);
      fingerprint = data_fingerprint(data);
    });
    check_fingerprint(fingerprint);
    compare_ranks(fingerprint);
    data_s_ = seconds_since(start);
    if (ranks_.is_first())
      for (const std::string& warning : data.warnings) say(stderr, "warning: " + warning + "\n");

    ThreadPool pool(machine_.n_threads);
    Progress progress(config.run.n_updates);
    TrainHooks hooks;
    hooks.stop = &stop;
    hooks.ranks = &ranks_;
    hooks.data_fingerprint = fingerprint;
    if (resume_) hooks.resume = &resume_->checkpoint;
    hooks.start = start_;
    if (folder_.is_there())
      hooks.on_checkpoint = [&](const Checkpoint& checkpoint) { save(checkpoint); };
    if (ranks_.is_first()) hooks.on_update = [&](int n_done) { progress.on_update(n_done); };
    hooks.on_report = [&](const RunResult& result, const Plan& plan, std::span<const float> mean) {
      write(result, plan, mean);
      progress.on_report(result);
    };
    RunResult result;
    try {
      result = complete(train(config, machine_.plan_options, *machine_.kernels, pool, data, hooks));
    } catch (...) {
      progress.end();
      throw;
    }
    progress.end();
    const int exit_code = result.interrupted.empty() ? 0 : 130;
    if (!ranks_.is_first()) return exit_code;
    print_final_line(result);
    print_summary(result);
    if (folder_.is_there() && !result.interrupted.empty())
      say(text_stream(),
          "checkpoint:    " + folder_.file(kCheckpointName).string() + " (go on with --resume)\n");
    if (folder_.is_there())
      say(text_stream(), "results:       " + folder_.file("results.json").string() +
                             "\nweights:       " + folder_.file("weights.safetensors").string() +
                             "\n");
    return exit_code;
  }

 private:
  // who finds a mistake tells it, the lowest rank alone; the others end with the same exit code
  void throw_if_any_problems() {
    const std::optional<int> found_by = first_rank_where(ranks_, !problems_.are_none());
    if (!found_by) return;
    if (*found_by == ranks_.rank()) problems_.throw_if_any();
    throw ToldByOther{kWrongInput};
  }

  std::optional<ResumePoint> read_resume(const TrainOptions& options) {
    if (!checked_ || !options.resume.from) return std::nullopt;
    return read_resume_point(options.resume, checked_->config, problems_);
  }

  /// The weights of --start-from, flat and logical; empty without it.
  std::vector<float> read_start(const TrainOptions& options) {
    std::vector<float> start;
    if (!checked_ || !options.start_from) return start;
    if (options.resume.from) problems_.add("--start-from", "it beside --resume", "one of the two");
    problems_.attempt([&] {
      const RunConfig& config = checked_->config;
      start = read_weights(
          *options.start_from,
          *compile_plan(config.network, config.loss, checked_->shape.n_steps, PlanOptions{}));
    });
    return start;
  }

  /// Without --out a resumed training goes on where it was.
  std::optional<std::string> out_folder() const {
    if (!ranks_.is_first()) return std::nullopt;
    if (options_.out || !resume_) return options_.out;
    return resume_->folder.string();
  }

  std::string resume_text() const {
    std::string text;
    if (resume_) {
      for (const std::string& note : resume_->notes) text += "warning: " + note + "\n";
      text += "resumed from " + resume_->checkpoint.place + ", update " +
              std::to_string(resume_->checkpoint.update) + "\n";
      if (resume_->checkpoint.data_fingerprint.empty() && !checked_->config.task.is_control())
        text += "note: this checkpoint has no fingerprint of its data, so they are not compared\n";
    } else if (folder_.is_there() && std::filesystem::exists(folder_.file(kCheckpointName))) {
      text += "note: training from the start; the checkpoint in " + folder_.file("").string() +
              " will be replaced (--resume would go on from it)\n";
    }
    return text;
  }

  std::string start_text() const {
    const RunConfig& config = checked_->config;
    const auto plan =
        compile_plan(config.network, config.loss, checked_->shape.n_steps, machine_.plan_options);
    std::string text = "backend " + to_text(machine_, options_, *plan);
    text += ranks_.is_one() ? "\n" : ", " + std::to_string(ranks_.n_ranks()) + " processes\n";
    if (!folder_.is_there()) text += "note: no --out, so no files will be written\n";
    const auto first = static_cast<int>(resume_ ? resume_->checkpoint.update : 0);
    for (const std::string& note : schedule_notes(config, first)) text += "warning: " + note + "\n";
    return text + resume_text();
  }

  /// A resumed training must find the data it began with.
  void check_fingerprint(const std::string& now) {
    if (resume_ && !resume_->checkpoint.data_fingerprint.empty() &&
        resume_->checkpoint.data_fingerprint != now &&
        !is_allowed_change("data", options_all_.resume.allowed_changes))
      problems_.add("the task's data", "fingerprint " + now,
                    resume_->checkpoint.data_fingerprint + ", as in " + resume_->checkpoint.place +
                        "; or --allow-changed data");
    throw_if_any_problems();
  }

  /// All ranks must train the same network on the same data from the same update.
  void compare_ranks(const std::string& fingerprint) {
    if (ranks_.is_one()) return;
    const std::int64_t update = resume_ ? resume_->checkpoint.update : 0;
    StateHash state;
    if (resume_)
      for (const Tensor& tensor : resume_->checkpoint.state)
        state.add(std::string_view(reinterpret_cast<const char*>(tensor.bytes.data()),
                                   tensor.bytes.size()));
    RunConfig config = checked_->config;
    const std::vector<std::pair<std::string, std::string>> own = {
        {"config", config_digest(config)},
        {"run.n_updates", std::to_string(config.run.n_updates)},
        {"run.report_every", std::to_string(config.run.report_every)},
        {"data", fingerprint},
        {"update to go on from", std::to_string(update)},
        {"state to go on from", state.text()}};
    // a fixed width for each text
    constexpr std::size_t kWidth = 24;
    const auto n_ranks = static_cast<std::size_t>(ranks_.n_ranks());
    std::vector<char> all(n_ranks * own.size() * kWidth, ' ');
    std::vector<std::int64_t> begin;
    for (std::size_t r = 0; r <= n_ranks; ++r)
      begin.push_back(static_cast<std::int64_t>(r * own.size() * kWidth));
    const auto text_of = [&](std::size_t rank, std::size_t i) {
      return all.data() + (rank * own.size() + i) * kWidth;
    };
    for (std::size_t i = 0; i < own.size(); ++i)
      own[i].second.copy(text_of(static_cast<std::size_t>(ranks_.rank()), i), kWidth);
    ranks_.gather(std::span(all), begin);
    for (std::size_t i = 0; i < own.size(); ++i)
      for (std::size_t rank = 1; rank < n_ranks; ++rank)
        if (std::string_view(text_of(rank, i), kWidth) != std::string_view(text_of(0, i), kWidth))
          problems_.add("mpirun: " + own[i].first + " of process " + std::to_string(rank),
                        trimmed(text_of(rank, i), kWidth),
                        trimmed(text_of(0, i), kWidth) + ", as in process 0");
    throw_if_any_problems();
  }

  static std::string trimmed(const char* text, std::size_t width) {
    const std::string padded(text, width);
    return padded.substr(0, padded.find_last_not_of(' ') + 1);
  }

  bool is_stopped() const { return stop_ != nullptr && stop_->load() != 0; }

  void save(const Checkpoint& checkpoint) {
    // a damaged one is not worth keeping, and the same twice neither
    const bool is_after_damage = resume_ && !resume_->notes.empty() && !has_saved_;
    const bool is_same = resume_ && resume_->checkpoint.update == checkpoint.update;
    folder_.write_checkpoint(checkpoint_to_safetensors(checkpoint), !is_after_damage && !is_same);
    has_saved_ = true;
    if (is_stopped()) end_stop_wait();
  }

  /// What the training loop does not know of its result.
  RunResult complete(RunResult result) const {
    result.machine = machine_info(machine_);
    result.machine.physics = physics_library(checked_->config.task);
    result.machine.n_ranks = ranks_.n_ranks();
    result.timing.data_s = data_s_;
    result.timing.total_s += data_s_;
    return result;
  }

  /// A report costs the same however many there are: it is appended to reports.jsonl, and the other
  /// files are made anew at most once a second.
  void write(const RunResult& so_far, const Plan& plan, std::span<const float> mean) {
    if (!folder_.is_there()) return;
    append_reports(so_far.reports);
    // final scores and hash are those of the end
    const bool is_over =
        !so_far.interrupted.empty() || so_far.final_report.update == checked_->config.run.n_updates;
    if (!is_over && written_ && seconds_since(*written_) < 1.0) return;
    RunResult result = complete(so_far);
    if (!is_over) result.state_hash.clear();
    folder_.write(
        "weights.safetensors",
        weights_to_safetensors(plan, mean, result.rule_tensors,
                               weights_origin(checked_->config, result.data_fingerprint)));
    folder_.write("results.json", results_to_json(checked_->config, result));
    written_ = Clock::now();
  }

  // at the first report the file is made, with those of the training that goes on
  void append_reports(const std::vector<Report>& reports) {
    std::string lines;
    for (; n_appended_ < reports.size(); ++n_appended_)
      lines += report_to_json_line(reports[n_appended_]);
    if (!has_reports_file_) {
      folder_.write("reports.jsonl", lines);
      has_reports_file_ = true;
    } else if (!lines.empty()) {
      folder_.append("reports.jsonl", lines);
    }
  }

  Ranks& ranks_;
  const TrainOptions& options_all_;
  const RunOptions& options_;
  ProblemList problems_;
  std::optional<CheckedConfig> checked_;
  MachineChoice machine_;
  std::optional<ResumePoint> resume_;
  std::vector<float> start_;  // (P) or empty
  OutputFolder folder_;
  double data_s_ = 0.0;
  bool has_saved_ = false;
  bool has_reports_file_ = false;
  std::size_t n_appended_ = 0;                // reports in reports.jsonl
  std::optional<Clock::time_point> written_;  // results.json
  const std::atomic<int>* stop_ = nullptr;
};

// The message is printed before MPI ends: mpirun kills all when the first one exits with a failure.
int train_on_ranks(const TrainOptions& options) {
  if (n_launched() == 1) return Training(options, one_rank()).run();
  if (!has_mpi())
    throw UserError("mpirun", std::to_string(n_launched()) + " processes",
                    "one: this program was built without MPI (on Debian: install libopenmpi-dev, "
                    "and build again)");
  const std::unique_ptr<Ranks> ranks = join_ranks();
  try {
    return Training(options, *ranks).run();
  } catch (const ToldByOther& told) {
    return told.exit_code;
  } catch (const UserError&) {
    return report_failure();
  } catch (const SharedError&) {
    return ranks->is_first() ? report_failure() : kRunFailed;
  } catch (...) {
    const int exit_code = report_failure();
    std::fprintf(stderr, "in process %d of %d; all of them end\n", ranks->rank(), ranks->n_ranks());
    ranks->abort(exit_code);
    return exit_code;  // g++ does not see that a virtual function never returns
  }
}

}  // namespace

void add_train_command(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<TrainOptions>();
  CLI::App* command = app.add_subcommand("train", "train a network as a config says");
  add_run_options(*command, options->run);
  add_resume_options(*command, options->resume);
  command->add_option("--start-from", options->start_from,
                      "begin with the weights of this file (default: those of the config's seed)");
  command->callback([options, &exit_code] { exit_code = train_on_ranks(*options); });
}

}  // namespace spikelane
