// Training and running on arrays of the caller's.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>

#include "engine/api/network.h"
#include "engine/api/task_loader.h"
#include "engine/api/tensor_view.h"
#include "engine/config/parse_config.h"
#include "engine/learning/members.h"
#include "engine/report/build_info.h"
#include "engine/report/problems_json.h"
#include "engine/report/results_json.h"
#include "engine/run/evaluation.h"
#include "engine/run/seconds.h"
#include "engine/run/train.h"

namespace spikelane {

const TaskLoader*& task_loader() {
  static const TaskLoader* loader = nullptr;
  return loader;
}

namespace {

spikelane_status read_options(const ErrorText& text, const spikelane_train_options* given,
                              spikelane_train_options& options) {
  options = spikelane_default_train_options();
  if (const auto status = read_struct(text, "options", given, options)) return status;
  if (options.abi_version != SPIKELANE_ABI_VERSION)
    return text.fail(SPIKELANE_ERROR_VERSION, "options.abi_version: found %u; allowed: %d",
                     static_cast<unsigned>(options.abi_version), SPIKELANE_ABI_VERSION);
  if (options.n_threads < 0 || options.n_threads > 1024)
    return text.fail(SPIKELANE_ERROR_ARGUMENT,
                     "options.n_threads: found %d; allowed: an integer from 0 to 1024",
                     static_cast<int>(options.n_threads));
  return SPIKELANE_OK;
}

int n_threads_of(const spikelane_train_options& options) {
  if (options.n_threads > 0) return options.n_threads;
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 1024);
}

const KernelTable& kernels_of(const spikelane_train_options& options) {
  const std::string isa = options.isa ? options.isa : "";
  const KernelTable* kernels = find_kernels(isa);
  if (kernels == nullptr)
    throw UserError("isa", in_quotes(isa), "what this machine can run: " + runnable_isa_names());
  return *kernels;
}

/// The caller's flag as the engine's: looked at between updates.
class StopFlag {
 public:
  explicit StopFlag(const volatile std::int32_t* flag) : flag_(flag) {}
  void look() {
    if (flag_ != nullptr && *flag_ != 0) stop_.store(1);
  }
  const std::atomic<int>* get() {
    look();
    return &stop_;
  }

 private:
  const volatile std::int32_t* flag_;
  std::atomic<int> stop_{0};
};

// a part of the samples, for task.n_test
Dataset take_samples(const Dataset& data, int first, int n) {
  Dataset part;
  part.n_samples = n;
  part.n_steps = data.n_steps;
  part.n_inputs = data.n_inputs;
  part.is_dense = data.is_dense;
  const auto begin = static_cast<std::size_t>(first), end = begin + static_cast<std::size_t>(n);
  const auto cut = [](const auto& from, std::size_t from_begin, std::size_t from_end, auto& to) {
    to.assign(from.begin() + static_cast<std::ptrdiff_t>(from_begin),
              from.begin() + static_cast<std::ptrdiff_t>(from_end));
  };
  if (!data.labels.empty()) cut(data.labels, begin, end, part.labels);
  if (data.is_dense) {
    const std::size_t n_values =
        static_cast<std::size_t>(data.n_steps) * static_cast<std::size_t>(data.n_inputs);
    cut(data.values, begin * n_values, end * n_values, part.values);
    return part;
  }
  cut(data.events, static_cast<std::size_t>(data.offsets[begin]),
      static_cast<std::size_t>(data.offsets[end]), part.events);
  cut(data.offsets, begin, end + 1, part.offsets);
  for (std::int64_t& offset : part.offsets) offset -= data.offsets[begin];
  return part;
}

int n_classes_of(const Dataset& data) {
  if (data.labels.empty()) return 0;
  return *std::max_element(data.labels.begin(), data.labels.end()) + 1;
}

TaskData task_of(const TensorViews& tensors, const RunConfig& config, EventSizes sizes) {
  Problems problems;
  if (config.task.kind != TaskKind::kArray)
    problems.add("task.kind", "another task beside arrays in memory", "\"array\"");
  check_data_names(tensors, true, problems);
  problems.throw_if_any();
  TaskData data;
  data.train = dataset_of(tensors, "", sizes, problems);
  problems.throw_if_any();
  data.n_classes = n_classes_of(data.train);
  const int n_test = config.task.array.n_test, n_samples = data.train.n_samples;
  if (tensors.find("test.inputs") || tensors.find("test.inputs.offsets")) {
    data.test = dataset_of(tensors, "test.", sizes, problems);
    if (n_test != 0)
      problems.add("task.n_test", std::to_string(n_test), "0, where test samples are given");
    if (data.test.n_samples > 0 &&
        (data.test.n_steps != data.train.n_steps || data.test.n_inputs != data.train.n_inputs))
      problems.add("test.inputs",
                   std::to_string(data.test.n_steps) + " steps of " +
                       std::to_string(data.test.n_inputs) + " inputs",
                   std::to_string(data.train.n_steps) + " steps of " +
                       std::to_string(data.train.n_inputs) + " inputs, as in training");
    if (data.test.labels.empty() != data.train.labels.empty())
      problems.add("test.labels", data.test.labels.empty() ? "nothing" : "labels",
                   "labels for training and test samples, or for neither");
    data.n_classes = std::max(data.n_classes, n_classes_of(data.test));
  } else if (n_test < 0 || n_test >= n_samples) {
    problems.add("task.n_test", std::to_string(n_test), "0 to " + std::to_string(n_samples - 1));
  } else if (n_test > 0) {
    data.test = take_samples(data.train, n_samples - n_test, n_test);
    data.train = take_samples(data.train, 0, n_samples - n_test);
  } else {
    data.test = data.train;
  }
  problems.throw_if_any();
  // samples in memory may lack the last classes of the output
  if (data.n_classes > 0)
    data.n_classes = std::max(data.n_classes, config.network.populations.back().n);
  return data;
}

TaskData load_built_in(RunConfig& config) {
  if (task_loader() == nullptr)
    throw UserError("task", "a task in a library without tasks", "arrays in memory, as tensors");
  const ApiTaskShape shape = task_loader()->describe(config);
  config.network.n_inputs = shape.n_inputs;
  check_against_task(config, shape.n_inputs, shape.n_steps, shape.n_classes, shape.n_train,
                     shape.n_test);
  return task_loader()->load(config);
}

/// One training with all that its hooks refer to.
class ApiTraining {
 public:
  ApiTraining(const char* config_text, const TensorViews& tensors,
              const spikelane_train_options& options)
      : options_(options), kernels_(kernels_of(options)), stop_(options.stop) {
    config_ = parse_config(config_text, "config");
    if (options.config_path) config_.config_path = options.config_path;
    const auto start = Clock::now();
    if (tensors.is_empty()) {
      data_ = load_built_in(config_);
    } else {
      data_ = task_of(tensors, config_, {options.n_steps, options.n_inputs});
      config_.network.n_inputs = data_.train.n_inputs;
      check_against_task(config_, data_.train.n_inputs, data_.train.n_steps, data_.n_classes,
                         data_.train.n_samples, data_.test.n_samples);
    }
    data_s_ = seconds_since(start);
  }

  const RunConfig& config() const { return config_; }

  /// Trains; the last mean and what the rule has learned are then `parameters` and `rule_tensors`.
  void run() {
    ThreadPool pool(n_threads_of(options_));
    TrainHooks hooks;
    hooks.stop = stop_.get();
    std::optional<Checkpoint> checkpoint = read_checkpoint_if_asked();
    if (checkpoint) hooks.resume = &*checkpoint;
    const std::vector<float> start = start_parameters();
    hooks.start = start;
    hooks.on_update = [&](int) { stop_.look(); };
    if (options_.checkpoint_folder)
      hooks.on_checkpoint = [&](const Checkpoint& made) {
        write_checkpoint(options_.checkpoint_folder, checkpoint_to_safetensors(made), true);
      };
    hooks.on_report = [&](const RunResult& result, const Plan&, std::span<const float> mean) {
      parameters.assign(mean.begin(), mean.end());
      if (options_.on_report == nullptr) return;
      for (; n_told_ < result.reports.size(); ++n_told_)
        options_.on_report(options_.on_report_user,
                           report_to_json_line(result.reports[n_told_]).c_str());
    };
    if (checkpoint) n_told_ = checkpoint->reports.size();
    RunResult result = train(config_, PlanOptions{}, kernels_, pool, data_, hooks);
    result.machine.cpu = cpu_name();
    result.timing.data_s = data_s_;
    result.timing.total_s += data_s_;
    rule_tensors = result.rule_tensors;
    if (options_.on_result)
      options_.on_result(options_.on_result_user, results_to_json(config_, result).c_str());
  }

  std::vector<float> parameters;
  std::vector<RuleTensor> rule_tensors;

 private:
  std::optional<Checkpoint> read_checkpoint_if_asked() const {
    if (!options_.is_resumed) return std::nullopt;
    if (!options_.checkpoint_folder)
      throw UserError("checkpoint_folder", "NULL", "a folder with the checkpoint to go on from");
    std::vector<std::string> notes;
    Checkpoint checkpoint = read_checkpoint(options_.checkpoint_folder, notes);
    RunConfig saved = checkpoint.config;
    saved.network.n_inputs = config_.network.n_inputs;
    if (config_digest(saved) != config_digest(config_))
      throw UserError(checkpoint.place, "a checkpoint of another config",
                      "one of this config; `run` alone may differ");
    return checkpoint;
  }

  std::vector<float> start_parameters() const {
    if (options_.start.id == 0) return {};
    const auto found = api_networks().find(options_.start.id);
    if (!found) throw UserError("start", "no such handle", "a network, or id 0");
    const auto names = [](const RunConfig& config) {
      std::vector<std::pair<std::string, std::vector<std::int64_t>>> list;
      for (const auto& tensor : network_sizes(config.network).tensors)
        list.emplace_back(tensor.name, tensor.shape);
      return list;
    };
    if (names(found->policy.config) != names(config_))
      throw UserError("start", "a network with other tensors",
                      "one with the names and shapes of the config's network");
    return found->policy.parameters;
  }

  const spikelane_train_options& options_;
  const KernelTable& kernels_;
  StopFlag stop_;
  RunConfig config_;
  TaskData data_;
  double data_s_ = 0.0;
  std::size_t n_told_ = 0;
};

// samples without labels get class 0: the scores are then not told
bool add_labels(Dataset& data) {
  if (!data.labels.empty()) return true;
  data.labels.assign(static_cast<std::size_t>(data.n_samples), 0);
  return false;
}

// what evaluate asks of samples and loss
void check_run(const RunConfig& config, const Dataset& data) {
  Problems problems;
  const int n_outputs = config.network.populations.back().n;
  if (n_classes_of(data) > n_outputs)
    problems.add("labels", "class " + std::to_string(n_classes_of(data) - 1),
                 "a class from 0 to " + std::to_string(n_outputs - 1) + ", as the output has");
  if (config.loss.logits == LogitKind::kMean && config.loss.window > data.n_steps)
    problems.add("inputs", std::to_string(data.n_steps) + " steps",
                 std::to_string(config.loss.window) + " or more, the config's loss.window");
  problems.throw_if_any();
}

void run_samples(const ApiNetwork& network, const TensorViews& tensors,
                 const spikelane_train_options& options, const spikelane_record* records,
                 std::size_t n_records) {
  Problems problems;
  check_data_names(tensors, false, problems);
  Dataset data = dataset_of(tensors, "", {options.n_steps, options.n_inputs}, problems);
  problems.throw_if_any();
  const RunConfig& config = network.policy.config;
  if (data.n_inputs != config.network.n_inputs)
    throw UserError("inputs", std::to_string(data.n_inputs) + " inputs",
                    std::to_string(config.network.n_inputs) + " inputs, as the network has");
  const bool is_scored = add_labels(data);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < n_records; ++i)
    names.push_back(records[i].name ? records[i].name : "");
  EvaluationOptions wanted;
  wanted.record = find_record_fields(config.network, names);
  for (std::size_t i = 0; i < n_records; ++i) {
    const double n_bytes = n_record_bytes({wanted.record[i]}, data.n_samples, data.n_steps);
    if (records[i].struct_size != sizeof(spikelane_record) || records[i].values == nullptr ||
        static_cast<double>(records[i].n_bytes) != n_bytes)
      problems.add(names[i], std::to_string(records[i].n_bytes) + " bytes",
                   "a buffer of " + std::to_string(static_cast<std::int64_t>(n_bytes)) + " bytes");
  }
  problems.throw_if_any();
  check_run(config, data);
  StopFlag stop(options.stop);
  wanted.stop = stop.get();
  ThreadPool pool(n_threads_of(options));
  const Evaluation evaluation = evaluate(config, PlanOptions{}, kernels_of(options), pool, data,
                                         network.policy.parameters, wanted);
  if (evaluation.was_interrupted) throw UserError("stop", "set", "0, for a run to begin");
  for (std::size_t i = 0; i < n_records; ++i)
    std::memcpy(records[i].values, evaluation.record[i].bytes.data(), records[i].n_bytes);
  if (!options.on_result) return;
  Report report;
  fill_report(report, evaluation.scores);
  if (!is_scored) report.test_loss = report.test_accuracy = std::nullopt;
  options.on_result(options.on_result_user,
                    run_to_json(data.n_samples, evaluation.state_hash, report).c_str());
}

}  // namespace
}  // namespace spikelane

using namespace spikelane;

spikelane_status spikelane_train(const char* config_text, const spikelane_tensor* tensors,
                                 size_t n_tensors, const spikelane_train_options* given,
                                 spikelane_network* network, char* error, size_t error_size) {
  return guarded(error, error_size, [&](const ErrorText& text) {
    if (config_text == nullptr || (tensors == nullptr && n_tensors > 0))
      return text.fail(SPIKELANE_ERROR_ARGUMENT, "%s: found NULL",
                       config_text ? "tensors" : "config_text");
    if (network == nullptr) return text.fail(SPIKELANE_ERROR_ARGUMENT, "network: found NULL");
    spikelane_train_options options;
    if (const auto status = read_options(text, given, options)) return status;
    ApiTraining training(config_text, TensorViews(tensors, n_tensors), options);
    training.run();
    return load_network(
        "a training", nullptr, network, text,
        [&] {
          return Policy{training.config(), std::move(training.parameters)};
        },
        std::move(training.rule_tensors));
  });
}

spikelane_status spikelane_run(spikelane_network network, const spikelane_tensor* tensors,
                               size_t n_tensors, const spikelane_train_options* given,
                               const spikelane_record* records, size_t n_records, char* error,
                               size_t error_size) {
  return guarded(error, error_size, [&](const ErrorText& text) {
    if ((tensors == nullptr && n_tensors > 0) || (records == nullptr && n_records > 0))
      return text.fail(SPIKELANE_ERROR_ARGUMENT, "%s: found NULL",
                       tensors == nullptr && n_tensors > 0 ? "tensors" : "records");
    spikelane_train_options options;
    if (const auto status = read_options(text, given, options)) return status;
    const auto found = api_networks().find(network.id);
    if (!found) return text.fail(SPIKELANE_ERROR_HANDLE, "network: no such handle");
    run_samples(*found, TensorViews(tensors, n_tensors), options, records, n_records);
    return SPIKELANE_OK;
  });
}

spikelane_status spikelane_create(const char* config_text, int32_t n_inputs,
                                  const spikelane_tensor* tensors, size_t n_tensors,
                                  const spikelane_load_options* options, spikelane_network* network,
                                  char* error, size_t error_size) {
  return guarded(error, error_size, [&](const ErrorText& text) {
    if (config_text == nullptr || (tensors == nullptr && n_tensors > 0))
      return text.fail(SPIKELANE_ERROR_ARGUMENT, "%s: found NULL",
                       config_text ? "tensors" : "config_text");
    return load_network("a config", options, network, text, [&] {
      Policy policy{parse_config(config_text, "config"), {}};
      int& n_config = policy.config.network.n_inputs;
      if (n_config == 0 && n_inputs == 0 && task_loader() != nullptr)
        n_config = task_loader()->describe(policy.config).n_inputs;
      if (n_inputs < 0 || n_inputs > 1 << 24 || (n_config == 0 && n_inputs == 0) ||
          (n_config != 0 && n_inputs != 0 && n_inputs != n_config))
        throw UserError("n_inputs", std::to_string(n_inputs),
                        n_config ? std::to_string(n_config) + ", as the task has"
                                 : "an integer from 1 to 16777216");
      if (n_inputs > 0) n_config = n_inputs;
      const auto plan = compile_plan(policy.config.network, LossConfig{}, 1, PlanOptions{});
      policy.parameters = draw_start(*find_kernels(""), *plan, policy.config.seed);
      Problems problems;
      set_parameters(TensorViews(tensors, n_tensors), *plan, policy.parameters, problems);
      problems.throw_if_any();
      return policy;
    });
  });
}
