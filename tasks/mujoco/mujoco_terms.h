// Terms: texts that pick numbers out of a MuJoCo world, for observations, rewards and the limits
// within which an episode goes on. docs/control.md has the table of sources.
//
//   part       source [":" name] ["[" begin ":" end "]"]      qpos[2:], xpos:torso[0:2], cfrc_ext
//   term       part, or part " - " part, or part " - " number
//   value      [function "("] term [" clip " low " " high] [")"]     sin, cos, square, norm
//   condition  value (" < " | " <= " | " > " | " >= ") number         holds for each number of
//   value reward     weight [" " value] [" / timestep"] [" limit " most]    weight * sum(value),
//   cut to +-most draw       part of qpos or qvel " in " low " to " high {", " low " to " high} ["
//   norm " (< | >) r]
//
// begin and end are as Python's: left out, or negative, counted from the end.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "tasks/mujoco/mujoco_compat.h"

namespace spikelane {

class Problems;

/// `n` numbers of one array of mjData.
struct MujocoPart {
  mjtNum* mjData::*array = nullptr;  // null: the centre of mass of all bodies
  int begin = 0, n = 0;
};

enum class TermFunction { kNone, kSin, kCos, kSquare, kNorm };

struct MujocoValue {
  MujocoPart part, other;  // other.n = 0: `constant` is taken off instead
  double constant = 0.0;
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  TermFunction function = TermFunction::kNone;

  /// Numbers that evaluate writes.
  int n() const { return function == TermFunction::kNorm ? 1 : part.n; }
  /// Numbers are rounded to T; returns where the next value goes.
  template <class T>
  T* evaluate(const mjModel* m, const mjData* d, T* values) const;
  /// Their sum, in order.
  double sum(const mjModel* m, const mjData* d) const;
  bool reads(mjtNum* mjData::*array) const {
    return (part.n > 0 && part.array == array) || (other.n > 0 && other.array == array);
  }
};

struct MujocoCondition {
  enum class Order { kBelow, kAtMost, kAbove, kAtLeast };
  MujocoValue value;
  Order order = Order::kBelow;
  double bound = 0.0;

  /// False where a number is NaN.
  bool holds(const mjModel* m, const mjData* d) const;
};

struct MujocoReward {
  double weight = 0.0;
  MujocoValue value;  // part.n = 0: weight alone
  double limit = std::numeric_limits<double>::infinity();

  double evaluate(const mjModel* m, const mjData* d) const;
};

/// Numbers of the start state that are drawn uniformly in place of the model's own.
struct MujocoDraw {
  bool is_velocity = false;
  int begin = 0, n = 0;
  std::vector<double> low, high;                              // n each
  double min_norm = -1.0;                                     // drawn again where the norm is
  double max_norm = std::numeric_limits<double>::infinity();  // not between them
};

/// Each reads `text`, found at `place` of the config, and adds what is wrong to `problems`: a word
/// that is no source, a name that the model does not have, a range outside of the array.
MujocoValue read_value(const mjModel* m, const std::string& text, const std::string& place,
                       Problems& problems);
MujocoCondition read_condition(const mjModel* m, const std::string& text, const std::string& place,
                               Problems& problems);
MujocoReward read_reward(const mjModel* m, const std::string& text, const std::string& place,
                         Problems& problems);
MujocoDraw read_draw(const mjModel* m, const std::string& text, const std::string& place,
                     Problems& problems);

}  // namespace spikelane
