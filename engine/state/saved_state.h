// What a training remembers from update to update, as named arrays. One walk over it serves for
// saving and for restoring, so that the two cannot disagree.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/config/problems.h"
#include "engine/learning/optimiser.h"
#include "engine/report/safetensors.h"

namespace spikelane {

/// Goes through a state: reads its numbers to save them, or puts saved ones in their place.
class StateVisitor {
 public:
  virtual ~StateVisitor() = default;

  /// Arrays keep their length: where a saved one has another, it does not belong to this state.
  virtual void array(const std::string& name, std::span<float> values) = 0;
  virtual void array(const std::string& name, std::span<double> values) = 0;
  virtual void array(const std::string& name, std::span<std::int64_t> values) = 0;

  /// 0 <= count <= max, else the saved one is refused.
  virtual void count(const std::string& name, std::int64_t& count, std::int64_t max) = 0;
  virtual void bits(const std::string& name, std::uint64_t& bits) = 0;

  /// True: what has been made from the state must be made anew after the walk.
  virtual bool is_restoring() const = 0;

  /// False only where a file is read that is older than this array: ask for what a format version
  /// has got after its first release, and leave it at its start value.
  virtual bool has(const std::string& name) const = 0;

  void number(const std::string& name, double& value) { array(name, std::span(&value, 1)); }
  void flag(const std::string& name, bool& value);
};

class StateSaver : public StateVisitor {
 public:
  void array(const std::string& name, std::span<float> values) override;
  void array(const std::string& name, std::span<double> values) override;
  void array(const std::string& name, std::span<std::int64_t> values) override;
  void count(const std::string& name, std::int64_t& count, std::int64_t max) override;
  void bits(const std::string& name, std::uint64_t& bits) override;
  bool is_restoring() const override { return false; }
  bool has(const std::string&) const override { return true; }

  std::vector<Tensor> take() { return std::move(tensors_); }

 private:
  std::vector<Tensor> tensors_;
};

class StateRestorer : public StateVisitor {
 public:
  /// `place` names the file in messages. `tensors` must outlive it.
  StateRestorer(const std::vector<Tensor>& tensors, std::string place);

  void array(const std::string& name, std::span<float> values) override;
  void array(const std::string& name, std::span<double> values) override;
  void array(const std::string& name, std::span<std::int64_t> values) override;
  void count(const std::string& name, std::int64_t& count, std::int64_t max) override;
  void bits(const std::string& name, std::uint64_t& bits) override;
  bool is_restoring() const override { return true; }
  bool has(const std::string& name) const override {
    return find_tensor(tensors_, name) != nullptr;
  }

  /// Throws UserError with every array that was missing, had another form, or was not asked for.
  /// What was restored until then is not to be used.
  void finish();

 private:
  template <class T>
  void put(const std::string& name, std::span<T> values);

  const std::vector<Tensor>& tensors_;
  std::string place_;
  std::set<std::string> asked_;
  Problems problems_;
};

/// `prefix` tells several optimisers apart ("regression.").
void visit_optimiser(StateVisitor& visitor, const std::string& prefix, Optimiser& optimiser);

}  // namespace spikelane
