// Problems of several steps of preparation, so that the user hears of all of them at once.
#pragma once

#include <iterator>
#include <string>
#include <vector>

#include "engine/config/user_error.h"

namespace spikelane {

class ProblemList {
 public:
  /// Runs `step` and keeps the problems of a UserError it throws; false when there were some.
  template <class Step>
  bool attempt(Step step) {
    try {
      step();
      return true;
    } catch (const UserError& error) {
      list_.insert(list_.end(), error.problems().begin(), error.problems().end());
      return false;
    }
  }

  void add(std::string place, std::string value, std::string allowed) {
    list_.push_back({std::move(place), std::move(value), std::move(allowed)});
  }

  bool are_none() const { return list_.empty(); }

  void throw_if_any() const {
    if (!list_.empty()) throw UserError(list_);
  }

 private:
  std::vector<Problem> list_;
};

}  // namespace spikelane
