// Arrays of the caller's, read in place, as data sets and parameters.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/config/problems.h"
#include "engine/plan/plan.h"
#include "engine/run/task.h"
#include "include/spikelane/train.h"

namespace spikelane {

/// Checked copies of what the caller described; the data stay the caller's.
class TensorViews {
 public:
  /// Throws UserError with everything that no tensor may be: an unknown dtype, a negative size, a
  /// name that comes twice.
  TensorViews(const spikelane_tensor* tensors, std::size_t n_tensors);

  bool is_empty() const { return tensors_.empty(); }
  const spikelane_tensor* find(const std::string& name) const;
  std::span<const spikelane_tensor> all() const { return tensors_; }

 private:
  std::vector<spikelane_tensor> tensors_;
};

/// Sizes that events do not say themselves; 0 where the inputs are dense.
struct EventSizes {
  int n_steps = 0, n_inputs = 0;
};

/// The samples under `prefix` ("" or "test."): inputs or events, and labels where they are given.
/// What is wrong is added to `problems`, and the result is then of no use.
Dataset dataset_of(const TensorViews& tensors, const std::string& prefix, EventSizes sizes,
                   Problems& problems);

/// Problems for tensors whose name is none of those that dataset_of reads.
void check_data_names(const TensorViews& tensors, bool has_test, Problems& problems);

/// `parameters` (P, flat and logical) with what the tensors give by name. Problems: unknown names,
/// wrong shapes, values that are not finite.
void set_parameters(const TensorViews& tensors, const Plan& plan, std::vector<float>& parameters,
                    Problems& problems);

}  // namespace spikelane
