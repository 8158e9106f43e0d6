// Plan: everything about a network that does not change while it runs, in the form kernels read.
// Decays, offsets, layout and which fields the State keeps are decided here, once; const
// afterwards.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/config/run_config.h"
#include "engine/learning/schedule.h"
#include "engine/state/aligned_memory.h"
#include "kernels/step/es_gradient_view.h"
#include "kernels/step/views.h"

namespace spikelane {

/// One tensor of a member's parameters. The flat logical vector holds all tensors, weights in the
/// order of the projections, then biases in the order of the populations, (pre, post), no padding.
/// A member's block, which kernels read, holds the same rows `block_stride` floats apart. Where the
/// plan has a rank, the rows of weights lie in the block that all members share, and a member's own
/// block holds biases and the factors of its noise (kernels/step/low_rank.h).
struct TensorPlan {
  ParameterTensor logical;        // name and range in the flat logical vector
  int n_rows = 0, n_columns = 0;  // (pre, post); a bias has one row
  int n_delays = 0;               // rows are (n_delays, pre); 0: they are (pre)
  int n_fan_in = 0;               // weights to a postsynaptic neuron, for start values
  bool is_bias = false;
  InitDescription init;
  std::int64_t block_begin = 0;  // of the first row in the block, in floats
  int block_stride = 0;
  LowRankView low_rank{};         // weights, where the plan has a rank
  std::int64_t factor_begin = 0;  // number of its first random number
  /// Random numbers of a factor's row begin at multiples of 64, which are drawn fastest.
  std::int64_t a_begin(int k, int rank) const;
  FactorView factor_view(int rank) const;
};

enum class LayoutChoice { kAuto, kNeuronLanes, kSampleLanes };

struct PlanOptions {
  // sample lanes are taken only where no population has more than kMaxListedUnits neurons
  LayoutChoice layout = LayoutChoice::kAuto;
  bool step_major = false;    // forbids the layer-major order (tests compare the two)
  bool keeps_counts = false;  // spike counts of all spiking populations: evaluation, hashes
  int rank = 0;               // of the members' noise; 0: members have weights of their own
};

class Plan {
 public:
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  const PlanView& view() const { return view_; }
  const NetworkDescription& network() const { return network_; }
  const std::vector<TensorPlan>& tensors() const { return tensors_; }
  /// Names and ranges of `tensors()` alone, as the learning room takes them.
  const std::vector<ParameterTensor>& parameter_tensors() const { return parameter_tensors_; }
  std::int64_t n_parameters() const { return n_parameters_; }  // of the flat logical vector
  /// Of a member's block, and of the block that members share: 0 without a rank.
  std::int64_t n_block_floats() const { return n_block_floats_; }
  std::int64_t n_shared_floats() const { return n_shared_floats_; }
  /// Floats from one member's block to the next where several lie side by side, 64-byte aligned.
  std::int64_t block_stride() const { return (n_block_floats_ + kLanes - 1) / kLanes * kLanes; }
  int rank() const { return view_.rank; }
  Layout layout() const { return view_.layout; }
  int lanes_per_tile() const { return layout() == Layout::kSampleLanes ? kLanes : 1; }
  const PopulationView& population(int p) const { return populations_[p]; }
  const PopulationView& output() const { return populations_.back(); }
  /// The input projection is read by a table where few units fire together (sample lanes).
  bool wants_input_codes() const { return wants_input_codes_; }

  /// Copies logical parameters (n_parameters) into a member's block (n_block_floats). Not for plans
  /// with a rank.
  void fill_block(const float* logical, float* block) const;
  /// Copies the weights among logical parameters into the shared block (n_shared_floats).
  void fill_shared(const float* logical, float* shared) const;
  /// The reverse of fill_block.
  void read_block(const float* block, float* logical) const;

 private:
  friend std::unique_ptr<const Plan> compile_plan(const NetworkDescription&, const LossConfig&, int,
                                                  const PlanOptions&);
  Plan() = default;
  void choose_layout(const PlanOptions& options);
  void place_tensors();
  void place_factors(TensorPlan& tensor);
  void place_populations(const PlanOptions& options);
  void place_alif(const PopulationDescription& description, PopulationView& population);
  // (n_padded) floats that live as long as the plan: value(i), and `padding` behind them
  template <class Value>
  const float* constant(const PopulationView& population, float padding, const Value& value);
  void connect();
  void place_delays(const ProjectionDescription& description, ProjectionView& projection);
  void place_tile();

  NetworkDescription network_;
  LossConfig loss_;
  int n_steps_ = 0;
  PlanView view_{};
  std::vector<TensorPlan> tensors_;
  std::vector<ParameterTensor> parameter_tensors_;
  std::vector<PopulationView> populations_;
  std::vector<std::vector<ProjectionView>> projections_;  // of each population
  std::vector<TraceView> traces_;
  std::vector<std::vector<DelayView>> delays_;  // of each projection that has any
  std::vector<std::vector<int>> trace_of_;      // (n_post) one vector a readout projection
  // parameters of each population, padded; aligned, since kernels load whole vectors
  std::vector<AlignedMemory> constants_;
  std::int64_t n_parameters_ = 0, n_block_floats_ = 0, n_shared_floats_ = 0;
  std::int64_t n_factor_numbers_ = 0;  // random numbers of a member's factors
  bool wants_input_codes_ = false;
};

/// Compiles a description that check_network has accepted, for trials of `n_steps` steps whose
/// output population (the last one) is scored by `loss`.
std::unique_ptr<const Plan> compile_plan(const NetworkDescription& network, const LossConfig& loss,
                                         int n_steps, const PlanOptions& options);

}  // namespace spikelane
