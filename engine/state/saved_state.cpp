#include "engine/state/saved_state.h"

#include <algorithm>
#include <bit>

namespace spikelane {

void StateVisitor::flag(const std::string& name, bool& value) {
  std::int64_t one = value ? 1 : 0;
  count(name, one, 1);
  value = one != 0;
}

namespace {

template <class T>
Tensor tensor_of(const std::string& name, std::span<T> values) {
  return make_tensor(name, {static_cast<std::int64_t>(values.size())}, values.data(),
                     values.size());
}

}  // namespace

void StateSaver::array(const std::string& name, std::span<float> values) {
  tensors_.push_back(tensor_of(name, values));
}
void StateSaver::array(const std::string& name, std::span<double> values) {
  tensors_.push_back(tensor_of(name, values));
}
void StateSaver::array(const std::string& name, std::span<std::int64_t> values) {
  tensors_.push_back(tensor_of(name, values));
}
void StateSaver::count(const std::string& name, std::int64_t& count, std::int64_t) {
  array(name, std::span(&count, 1));
}
void StateSaver::bits(const std::string& name, std::uint64_t& bits) {
  auto as_integer = std::bit_cast<std::int64_t>(bits);
  array(name, std::span(&as_integer, 1));
}

StateRestorer::StateRestorer(const std::vector<Tensor>& tensors, std::string place)
    : tensors_(tensors), place_(std::move(place)) {}

template <class T>
void StateRestorer::put(const std::string& name, std::span<T> values) {
  asked_.insert(name);
  const std::vector<std::int64_t> shape{static_cast<std::int64_t>(values.size())};
  const std::string wanted = "shape " + shape_text(shape) + " of dtype " + dtype_of<T>();
  const Tensor* tensor = find_tensor(tensors_, name);
  if (tensor == nullptr) {
    problems_.add(place_ + ": " + name, "nothing", wanted + ", as this training has it");
  } else if (tensor->shape != shape || tensor->dtype != dtype_of<T>()) {
    problems_.add(place_ + ": " + name,
                  "shape " + shape_text(tensor->shape) + " of dtype " + tensor->dtype,
                  wanted + ", as this training has it");
  } else {
    const std::vector<T> saved = values_of<T>(*tensor);
    std::copy(saved.begin(), saved.end(), values.begin());
  }
}

void StateRestorer::array(const std::string& name, std::span<float> values) { put(name, values); }
void StateRestorer::array(const std::string& name, std::span<double> values) { put(name, values); }
void StateRestorer::array(const std::string& name, std::span<std::int64_t> values) {
  put(name, values);
}

void StateRestorer::count(const std::string& name, std::int64_t& count, std::int64_t max) {
  std::int64_t saved = 0;
  put(name, std::span(&saved, 1));
  if (saved < 0 || saved > max)
    problems_.add(place_ + ": " + name, std::to_string(saved),
                  "an integer from 0 to " + std::to_string(max));
  else
    count = saved;
}

void StateRestorer::bits(const std::string& name, std::uint64_t& bits) {
  std::int64_t saved = 0;
  put(name, std::span(&saved, 1));
  bits = std::bit_cast<std::uint64_t>(saved);
}

void StateRestorer::finish() {
  for (const Tensor& tensor : tensors_)
    if (!asked_.contains(tensor.name))
      problems_.add(place_ + ": " + tensor.name, "an array of shape " + shape_text(tensor.shape),
                    "the arrays of this training only");
  problems_.throw_if_any();
}

void visit_optimiser(StateVisitor& visitor, const std::string& prefix, Optimiser& optimiser) {
  OptimiserState state = optimiser.state();
  visitor.array(prefix + "optimiser.n_updates", state.n_updates);
  for (OptimiserVector& vector : state.vectors) visitor.array(prefix + vector.name, vector.values);
  if (visitor.is_restoring()) optimiser.restore(std::move(state));
}

}  // namespace spikelane
