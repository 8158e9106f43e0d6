// spikelane eval: a config and trained weights in; scores, the hash of the final state and records
// of spikes and membrane potentials out.
#include <cstdio>
#include <memory>

#include "engine/config/config_keys.h"
#include "engine/config/problems.h"
#include "engine/report/atomic_file.h"
#include "engine/report/results_json.h"
#include "engine/report/weights.h"
#include "engine/run/episode_trials.h"
#include "engine/run/evaluation.h"
#include "engine/run/fingerprints.h"
#include "engine/run/seconds.h"
#include "tools/baseline_controller.h"
#include "tools/commands.h"
#include "tools/output_folder.h"
#include "tools/progress.h"
#include "tools/render_strip.h"
#include "tools/run_options.h"
#include "tools/stop_signal.h"

namespace spikelane {
namespace {

// it is held in memory twice while it is written
constexpr const char* kResultsName = "eval.json";
constexpr double kMaxRecordBytes = 8.0 * (1u << 30);

struct EvalOptions {
  RunOptions run;
  std::string weights;
  std::vector<std::string> record;
  std::optional<std::string> samples, render, controller;
};

class EvalCommand {
 public:
  explicit EvalCommand(const EvalOptions& options)
      : options_(options),
        checked_(read_config(options.run.config, problems_)),
        machine_(choose_machine(options.run, problems_)),
        folder_(options.run.out, problems_) {
    if (checked_) check_with_config();
    if (!options.record.empty() && !options.run.out)
      problems_.add("--out", "nothing", "a folder, for the record that --record asks for");
    problems_.throw_if_any();
  }

  int run() {
    if (checked_->config.task.is_control()) return run_episodes();
    const RunConfig& config = checked_->config;
    evaluation_options_.stop = &catch_stop_signals(
        "\nstopping: what is under way takes longer than a second; a second signal ends it at "
        "once\n");
    say_start();
    const auto start = Clock::now();
    const TaskData data = load_task(config);
    for (const std::string& warning : data.warnings) say(stderr, "warning: " + warning + "\n");
    result_.data_fingerprint = data_fingerprint(data);
    result_.tests_on_training_samples = data.tests_on_training_samples;
    result_.timing.data_s = seconds_since(start);

    ThreadPool pool(machine_.n_threads);
    const auto test_start = Clock::now();
    const Evaluation evaluation = evaluate(config, machine_.plan_options, *machine_.kernels, pool,
                                           data.test, parameters_, evaluation_options_);
    if (evaluation.was_interrupted) {
      say(text_stream(), "interrupted: nothing is written\n");
      return 130;
    }
    result_.timing.test_s = seconds_since(test_start);
    result_.timing.total_s = seconds_since(start);
    result_.state_hash = evaluation.state_hash;
    fill_result(evaluation.scores,
                static_cast<double>(evaluation_options_.n_samples) * checked_->shape.n_steps);
    write_files(evaluation);
    print_final_line(result_);
    print_summary(result_);
    if (folder_.is_there())
      say(text_stream(), "results:       " + folder_.file(kResultsName).string() + "\n");
    if (!evaluation.record.empty())
      say(text_stream(), "record:        " + folder_.file("record.safetensors").string() + "\n");
    return 0;
  }

 private:
  /// Held-out episodes of a control task.
  int run_episodes() {
    const RunConfig& config = checked_->config;
    say_start();
    const auto start = Clock::now();
    const TaskData data = load_task(config);
    for (const std::string& warning : data.warnings) say(stderr, "warning: " + warning + "\n");
    result_.data_fingerprint = data_fingerprint(data);
    result_.tests_on_training_samples = data.tests_on_training_samples;
    result_.timing.data_s = seconds_since(start);
    ThreadPool pool(machine_.n_threads);
    const auto test_start = Clock::now();
    std::shared_ptr<const ClosedLoop> loop = data.loop;
    if (options_.controller)
      loop = with_baseline(*loop,
                           *options_.controller == "zero" ? Baseline::kZero : Baseline::kRandom);
    EpisodeTest test(config, machine_.plan_options, *machine_.kernels, pool, *loop);
    EpisodeFilm film(*data.loop);
    const TestScores scores = test.run(parameters_, evaluation_options_.n_samples,
                                       options_.render ? film.watch() : EpisodeWatch{});
    result_.timing.test_s = seconds_since(test_start);
    result_.timing.total_s = seconds_since(start);
    result_.state_hash = test.state_hash();
    fill_result(scores, static_cast<double>(test.episodes().n_control_steps()) *
                            config.task.control.control_steps);
    if (folder_.is_there()) write_results();
    if (options_.render) write_film(film, test.episodes().returns[0]);
    print_final_line(result_);
    print_summary(result_);
    return 0;
  }

  void write_film(const EpisodeFilm& film, double episode_return) const {
    char text[80];
    std::snprintf(text, sizeof text, ": held-out episode 0, return %.4g", episode_return);
    const TaskConfig& task = checked_->config.task;
    const std::string name = task.kind == TaskKind::kMujoco
                                 ? std::filesystem::path(task.mujoco.model).stem().string()
                                 : name_of(task.kind, kTaskKinds);
    write_file_atomically(*options_.render, film.to_svg(name + text));
    say(text_stream(), "picture:       " + *options_.render + "\n");
  }

  void check_controller() {
    if (!options_.controller) {
      if (options_.weights.empty())
        problems_.add("--weights", "nothing", "the weights.safetensors of a training");
      return;
    }
    const std::string& name = *options_.controller;
    if (!checked_->config.task.is_control())
      problems_.add("--controller", in_quotes(name), "nothing: only control tasks have one");
    else if (name != "zero" && name != "random")
      problems_.add("--controller", in_quotes(name), one_of_text({"zero", "random"}, name));
    if (!options_.weights.empty())
      problems_.add("--weights", "it beside --controller", "one of the two");
    if (options_.render)
      problems_.add("--render", "it beside --controller", "a trained network's episodes alone");
  }

  void check_render() {
    if (!options_.render) return;
    if (!checked_->config.task.is_control())
      problems_.add("--render", in_quotes(*options_.render),
                    "nothing: only control tasks have "
                    "episodes to draw");
    else if (std::filesystem::path(*options_.render).extension() != ".svg")
      problems_.add("--render", in_quotes(*options_.render), "a file name that ends in .svg");
  }

  /// Weights, record and number of samples, as far as they can be checked without data.
  void check_with_config() {
    const RunConfig& config = checked_->config;
    const TaskShape& shape = checked_->shape;
    // as read from the file, and as kernels read them
    if (!check_memory(*checked_, 2, 0, problems_)) return;
    plan_ = compile_plan(config.network, config.loss, shape.n_steps, machine_.plan_options);
    check_controller();
    if (options_.controller)
      parameters_.assign(static_cast<std::size_t>(plan_->n_parameters()), 0.0f);
    else
      problems_.attempt([&] {
        Metadata metadata;
        parameters_ = read_weights(options_.weights, *plan_, &metadata);
        origin_notes_ = origin_differences(metadata, config, options_.weights);
      });
    int n_samples = shape.n_test;
    if (options_.samples)
      n_samples = read_count(*options_.samples, "--samples", 1, shape.n_test, problems_)
                      .value_or(n_samples);
    evaluation_options_.n_samples = n_samples;
    check_render();
    if (config.task.is_control()) {
      if (!options_.record.empty())
        problems_.add("--record", in_quotes(options_.record[0]),
                      "nothing: what happens in control tasks is not recorded");
      return;
    }
    problems_.attempt(
        [&] { evaluation_options_.record = find_record_fields(config.network, options_.record); });
    const double n_bytes = n_record_bytes(evaluation_options_.record, n_samples, shape.n_steps);
    if (n_bytes > kMaxRecordBytes) {
      char size[64];
      std::snprintf(size, sizeof size, "a record of %.1f GiB", n_bytes / (1u << 30));
      problems_.add("--record", size,
                    "at most 8 GiB: fewer names, or fewer samples (--samples, now " +
                        std::to_string(n_samples) + ")");
    }
  }

  void fill_result(const TestScores& scores, double n_sample_steps) {
    result_.seed = checked_->config.seed;
    result_.machine = machine_info(machine_);
    result_.machine.physics = physics_library(checked_->config.task);
    Report& report = result_.final_report;
    report.wall_s = result_.timing.total_s;
    fill_report(report, scores);
    result_.reports = {report};
    result_.timing.sample_steps_per_s = n_sample_steps / result_.timing.test_s;
  }

  void write_files(const Evaluation& evaluation) const {
    if (!folder_.is_there()) return;
    if (!evaluation.record.empty())
      folder_.write("record.safetensors", to_safetensors(evaluation.record, {}));
    write_results();
  }

  void say_start() const {
    say(text_stream(), "backend " + to_text(machine_, options_.run, *plan_) + "\n");
    for (const std::string& note : origin_notes_) say(stderr, "warning: " + note + "\n");
  }

  /// A file of its own: a training's results stay what they are.
  void write_results() const {
    folder_.write(kResultsName, results_to_json(checked_->config, result_));
  }

  const EvalOptions& options_;
  ProblemList problems_;
  std::optional<CheckedConfig> checked_;
  MachineChoice machine_;
  OutputFolder folder_;
  std::unique_ptr<const Plan> plan_;
  std::vector<float> parameters_;
  std::vector<std::string> origin_notes_;  // what differs from the training of the weights
  EvaluationOptions evaluation_options_;
  RunResult result_;
};

}  // namespace

void add_eval_command(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<EvalOptions>();
  CLI::App* command = app.add_subcommand("eval", "test trained weights on held-out data");
  add_run_options(*command, options->run);
  command->add_option("--weights", options->weights, "weights.safetensors of a training");
  command->add_option("--controller", options->controller,
                      "control tasks, in place of --weights: zero or random, actions that know "
                      "nothing");
  command
      ->add_option("--record", options->record,
                   "names with commas, as hidden.s,hidden.v: spikes (.s) and membrane potentials "
                   "(.v) of every step, written to record.safetensors")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--samples", options->samples,
                      "only the first N held-out samples or episodes (default: all)");
  command->add_option("--render", options->render,
                      "control tasks: an SVG picture of the first held-out episode");
  command->callback([options, &exit_code] { exit_code = EvalCommand(*options).run(); });
}

}  // namespace spikelane
