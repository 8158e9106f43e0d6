#include "engine/run/evaluation.h"

#include <algorithm>

#include "engine/config/problems.h"
#include "engine/state/hash.h"

namespace spikelane {
namespace {

struct Stopped {};

std::vector<RecordField> recordable_fields(const NetworkDescription& network) {
  std::vector<RecordField> fields;
  for (std::size_t p = 0; p < network.populations.size(); ++p) {
    const PopulationDescription& population = network.populations[p];
    const int index = static_cast<int>(p);
    if (population.model != NeuronModel::kReadout)
      fields.push_back({population.name + ".s", index, population.n, true});
    fields.push_back({population.name + ".v", index, population.n, false});
  }
  return fields;
}

class EvaluationRun {
 public:
  EvaluationRun(const Plan& plan, int n_samples, const EvaluationOptions& options)
      : plan_(plan), options_(options), final_states_(plan.network().populations.size()) {
    const std::int64_t n_steps = plan.view().n_steps;
    for (const RecordField& field : options.record) {
      Tensor& tensor = record_.emplace_back();
      tensor.name = field.name;
      tensor.dtype = field.is_spikes ? dtype_of<std::uint8_t>() : dtype_of<float>();
      tensor.shape = {n_samples, n_steps, field.n};
      tensor.bytes.resize(static_cast<std::size_t>(n_samples * n_steps * field.n) *
                          dtype_size(tensor.dtype));
    }
  }

  void run_batch(Simulation& simulation, const EncodedInputs& inputs, int first) {
    stop_if_asked();
    if (record_.empty()) {
      simulation.run(inputs, inputs.n_steps());
    } else {
      const RecordArrays arrays = arrays_from(first);
      simulation.run(inputs, inputs.n_steps(), &arrays);
    }
    keep_final_state(simulation.state());
  }

  std::string state_hash() const {
    StateHash hash;
    for (const FinalState& final : final_states_) final.add_to(hash);
    return hash.text();
  }

  std::vector<Tensor> take_record() { return std::move(record_); }

 private:
  void stop_if_asked() const {
    if (options_.stop && options_.stop->load() != 0) throw Stopped();
  }

  // the record's arrays from sample `first` on
  RecordArrays arrays_from(int first) {
    RecordArrays arrays{{}, options_.n_device_record_bytes};
    for (std::size_t i = 0; i < record_.size(); ++i) {
      const RecordField& field = options_.record[i];
      const FieldOffsets& at = plan_.population(field.population).at;
      const std::int64_t n_before = std::int64_t{first} * plan_.view().n_steps * field.n;
      std::byte* bytes = record_[i].bytes.data();
      if (field.is_spikes)
        arrays.fields.push_back(
            {at.spikes, field.n, reinterpret_cast<std::uint8_t*>(bytes) + n_before, nullptr});
      else
        arrays.fields.push_back(
            {at.v, field.n, nullptr, reinterpret_cast<float*>(bytes) + n_before});
    }
    return arrays;
  }

  void keep_final_state(const State& state) {
    for (std::size_t p = 0; p < final_states_.size(); ++p) {
      FinalState batch = gather_final_state(plan_, state, static_cast<int>(p));
      final_states_[p].is_spiking = batch.is_spiking;
      final_states_[p].append(batch);
    }
  }

  const Plan& plan_;
  const EvaluationOptions& options_;
  std::vector<FinalState> final_states_;  // of each population
  std::vector<Tensor> record_;            // of each field
};

}  // namespace

std::vector<RecordField> find_record_fields(const NetworkDescription& network,
                                            const std::vector<std::string>& names) {
  const std::vector<RecordField> known = recordable_fields(network);
  std::vector<std::string> known_names;
  for (const RecordField& field : known) known_names.push_back(field.name);
  Problems problems;
  std::vector<RecordField> found;
  for (const std::string& name : names) {
    const auto has_name = [&](const RecordField& field) { return field.name == name; };
    const auto field = std::find_if(known.begin(), known.end(), has_name);
    if (field == known.end())
      problems.add("--record", in_quotes(name), one_of_text(known_names, name));
    else if (std::any_of(found.begin(), found.end(), has_name))
      problems.add("--record", in_quotes(name) + ", a second time", "each name once");
    else
      found.push_back(*field);
  }
  problems.throw_if_any();
  return found;
}

double n_record_bytes(const std::vector<RecordField>& fields, int n_samples, int n_steps) {
  double n_bytes = 0.0;
  for (const RecordField& field : fields)
    n_bytes += static_cast<double>(n_samples) * n_steps * field.n * (field.is_spikes ? 1 : 4);
  return n_bytes;
}

Evaluation evaluate(const RunConfig& config, const PlanOptions& options, const KernelTable& kernels,
                    ThreadPool& pool, const Dataset& data, std::span<const float> parameters,
                    const EvaluationOptions& evaluation_options) {
  MeanTest test(config, options, kernels, pool, data);
  const int n_wanted = evaluation_options.n_samples;
  const int n_samples = n_wanted == 0 ? data.n_samples : std::min(n_wanted, data.n_samples);
  EvaluationRun run(test.plan(), n_samples, evaluation_options);
  Evaluation evaluation;
  try {
    evaluation.scores = test.run(
        parameters, n_samples, [&](Simulation& simulation, const EncodedInputs& inputs, int first) {
          run.run_batch(simulation, inputs, first);
        });
  } catch (const Stopped&) {
    evaluation.was_interrupted = true;
    return evaluation;
  }
  evaluation.state_hash = run.state_hash();
  evaluation.record = run.take_record();
  return evaluation;
}

}  // namespace spikelane
