#if defined(SPIKELANE_HAS_MUJOCO)

#include "tasks/mujoco/mujoco_terms.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>

#include "engine/config/problems.h"
#include "kernels/core/double_math.h"

namespace spikelane {
namespace {

// arrays of mjData that terms may read; `of` names an object of which there are `width` numbers
struct Source {
  const char* name;
  mjtNum* mjData::*array;
  int (*size)(const mjModel* m);  // of the whole array
  mjtObj of = mjOBJ_UNKNOWN;
  int width = 0;
};

constexpr Source kSources[] = {
    {"qpos", &mjData::qpos, [](const mjModel* m) { return static_cast<int>(m->nq); }},
    {"qvel", &mjData::qvel, [](const mjModel* m) { return static_cast<int>(m->nv); }},
    {"qacc", &mjData::qacc, [](const mjModel* m) { return static_cast<int>(m->nv); }},
    {"act", &mjData::act, [](const mjModel* m) { return static_cast<int>(m->na); }},
    {"ctrl", &mjData::ctrl, [](const mjModel* m) { return static_cast<int>(m->nu); }},
    {"sensordata", &mjData::sensordata,
     [](const mjModel* m) { return static_cast<int>(m->nsensordata); }, mjOBJ_SENSOR},
    {"actuator_force", &mjData::actuator_force,
     [](const mjModel* m) { return n_actuators_of(*m); }},
    {"qfrc_actuator", &mjData::qfrc_actuator,
     [](const mjModel* m) { return static_cast<int>(m->nv); }},
    {"qfrc_constraint", &mjData::qfrc_constraint,
     [](const mjModel* m) { return static_cast<int>(m->nv); }},
    {"cinert", &mjData::cinert, [](const mjModel* m) { return 10 * static_cast<int>(m->nbody); },
     mjOBJ_BODY, 10},
    {"cvel", &mjData::cvel, [](const mjModel* m) { return 6 * static_cast<int>(m->nbody); },
     mjOBJ_BODY, 6},
    {"cfrc_ext", &mjData::cfrc_ext, [](const mjModel* m) { return 6 * static_cast<int>(m->nbody); },
     mjOBJ_BODY, 6},
    {"xpos", &mjData::xpos, [](const mjModel* m) { return 3 * static_cast<int>(m->nbody); },
     mjOBJ_BODY, 3},
    {"xquat", &mjData::xquat, [](const mjModel* m) { return 4 * static_cast<int>(m->nbody); },
     mjOBJ_BODY, 4},
    {"xmat", &mjData::xmat, [](const mjModel* m) { return 9 * static_cast<int>(m->nbody); },
     mjOBJ_BODY, 9},
    {"subtree_com", &mjData::subtree_com,
     [](const mjModel* m) { return 3 * static_cast<int>(m->nbody); }, mjOBJ_BODY, 3},
    {"site_xpos", &mjData::site_xpos,
     [](const mjModel* m) { return 3 * static_cast<int>(m->nsite); }, mjOBJ_SITE, 3},
    {"geom_xpos", &mjData::geom_xpos,
     [](const mjModel* m) { return 3 * static_cast<int>(m->ngeom); }, mjOBJ_GEOM, 3},
    {"ten_length", &mjData::ten_length,
     [](const mjModel* m) { return static_cast<int>(m->ntendon); }, mjOBJ_TENDON, 1},
    {"ten_velocity", &mjData::ten_velocity,
     [](const mjModel* m) { return static_cast<int>(m->ntendon); }, mjOBJ_TENDON, 1},
    {"mass_center", nullptr, [](const mjModel*) { return 3; }}};

std::vector<std::string> source_names() {
  std::vector<std::string> names;
  for (const Source& source : kSources) names.emplace_back(source.name);
  return names;
}

struct ObjectKind {
  const char* what;
  int n;
};

ObjectKind objects_of(const mjModel* m, mjtObj kind) {
  switch (kind) {
    case mjOBJ_SENSOR:
      return {"a sensor", static_cast<int>(m->nsensor)};
    case mjOBJ_BODY:
      return {"a body", static_cast<int>(m->nbody)};
    case mjOBJ_SITE:
      return {"a site", static_cast<int>(m->nsite)};
    case mjOBJ_GEOM:
      return {"a geom", static_cast<int>(m->ngeom)};
    default:
      return {"a tendon", static_cast<int>(m->ntendon)};
  }
}

double component_of_mass_center(const mjModel* m, const mjData* d, int k) {
  double sum = 0.0, mass = 0.0;
  for (int b = 0; b < m->nbody; ++b) {
    sum += m->body_mass[b] * d->xipos[3 * b + k];
    mass += m->body_mass[b];
  }
  return mass > 0.0 ? sum / mass : 0.0;
}

double number_of(const MujocoPart& part, const mjModel* m, const mjData* d, int i) {
  return part.array == nullptr ? component_of_mass_center(m, d, part.begin + i)
                               : (d->*part.array)[part.begin + i];
}

// number i of a value before a norm is taken
double element_of(const MujocoValue& v, const mjModel* m, const mjData* d, int i) {
  const double taken_off = v.other.n > 0 ? number_of(v.other, m, d, i) : v.constant;
  const bool is_plain = v.other.n == 0 && v.constant == 0.0;
  double x = number_of(v.part, m, d, i);
  if (!is_plain) x -= taken_off;
  // a NaN stays one
  if (x < v.low) x = v.low;
  if (x > v.high) x = v.high;
  if (v.function == TermFunction::kSin) return own_sin(x);
  if (v.function == TermFunction::kCos) return own_cos(x);
  return v.function == TermFunction::kNone ? x : x * x;
}

// goes through one text; the first mistake is kept and everything after it is left alone
class TermReader {
 public:
  TermReader(const mjModel* m, const std::string& text) : m_(m), text_(text) {}

  MujocoValue value() {
    MujocoValue v;
    const std::size_t start = at_;
    const std::string word = take_word();
    bool is_function = true;
    if (word == "sin")
      v.function = TermFunction::kSin;
    else if (word == "cos")
      v.function = TermFunction::kCos;
    else if (word == "square")
      v.function = TermFunction::kSquare;
    else if (word == "norm")
      v.function = TermFunction::kNorm;
    else
      is_function = false;
    if (is_function)
      expect("(");
    else
      at_ = start;
    v.part = part();
    if (take(" - ")) {
      const std::size_t here = at_;
      if (const auto x = number_if_any()) {
        v.constant = *x;
      } else {
        at_ = here;
        v.other = part();
        if (is_good() && v.other.n != v.part.n)
          fail("two parts of the same size in a difference, not " + std::to_string(v.part.n) +
               " and " + std::to_string(v.other.n) + " numbers");
      }
    }
    if (take(" clip ")) {
      v.low = number();
      expect(" ");
      v.high = number();
      if (is_good() && !(v.low < v.high)) fail("clip with a lower and a higher number");
    }
    if (is_function) expect(")");
    return v;
  }

  MujocoPart part() {
    const std::string word = take_word();
    const auto* source = std::find_if(std::begin(kSources), std::end(kSources),
                                      [&](const Source& s) { return word == s.name; });
    if (source == std::end(kSources)) {
      fail(one_of_text(source_names(), word) + " at \"" + word + '"');
      return {};
    }
    MujocoPart part{source->array, 0, source->size(m_)};
    if (take(":")) name(*source, part);
    if (is_good() && part.n == 0) fail(std::string("a model that has ") + source->name);
    if (take("[")) range(part);
    return part;
  }

  double number() {
    const auto x = number_if_any();
    if (!x) fail("a number at \"" + text_.substr(at_, 20) + '"');
    return x.value_or(0.0);
  }

  void end() {
    if (is_good() && at_ != text_.size()) fail("nothing more at \"" + text_.substr(at_, 40) + '"');
  }

  bool is_before(const char* token) const {
    const std::string_view wanted = token;
    return is_good() && text_.compare(at_, wanted.size(), wanted) == 0;
  }

  bool take(const char* token) {
    if (!is_before(token)) return false;
    at_ += std::string_view(token).size();
    return true;
  }

  void expect(const char* token) {
    if (!take(token)) fail(in_quotes(token) + " at " + in_quotes(text_.substr(at_, 20)));
  }

  bool is_at_end() const { return at_ == text_.size(); }
  bool is_good() const { return problem_.empty(); }
  const std::string& problem() const { return problem_; }
  void fail(const std::string& allowed) {
    if (is_good()) problem_ = allowed;
  }

 private:
  std::string take_word() {
    const std::size_t begin = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '_'))
      ++at_;
    return text_.substr(begin, at_ - begin);
  }

  std::optional<double> number_if_any() {
    const char* begin = text_.data() + at_;
    const char* end = text_.data() + text_.size();
    double x = 0.0;
    const auto [after, error] = std::from_chars(begin, end, x);
    if (error != std::errc() || std::isnan(x)) return std::nullopt;
    at_ += static_cast<std::size_t>(after - begin);
    return x;
  }

  // 'a name with blanks' or everything up to a bracket or blank
  void name(const Source& source, MujocoPart& part) {
    std::size_t end = 0;
    std::string wanted;
    if (take("'")) {
      end = text_.find('\'', at_);
      if (end == std::string::npos) return fail("a closing ' after a name");
      wanted = text_.substr(at_, end - at_);
      at_ = end + 1;
    } else {
      end = std::min(text_.find_first_of("[ )", at_), text_.size());
      wanted = text_.substr(at_, end - at_);
      at_ = end;
    }
    if (source.of == mjOBJ_UNKNOWN) return fail(std::string(source.name) + " without a name");
    const ObjectKind objects = objects_of(m_, source.of);
    const int id = wanted.empty() ? -1 : mj_name2id(m_, source.of, wanted.c_str());
    if (id < 0) {
      std::vector<std::string> names;
      for (int i = 0; i < objects.n; ++i)
        if (const char* known = mj_id2name(m_, source.of, i); known && *known)
          names.emplace_back(known);
      return fail(
          "the name of " + std::string(objects.what) + ", " +
          (names.empty() ? "of which the model has none with a name" : one_of_text(names, wanted)));
    }
    if (source.of == mjOBJ_SENSOR) {
      part.begin = m_->sensor_adr[id];
      part.n = m_->sensor_dim[id];
    } else {
      part.begin = source.width * id;
      part.n = source.width;
    }
  }

  void range(MujocoPart& part) {
    const std::optional<double> begin = number_if_any();
    expect(":");
    const std::optional<double> end = number_if_any();
    expect("]");
    if (!is_good()) return;
    const auto place = [&](std::optional<double> x, int fallback) {
      if (!x) return static_cast<double>(fallback);
      return *x < 0.0 ? *x + part.n : *x;
    };
    const double first = place(begin, 0), last = place(end, part.n);
    if (first != std::floor(first) || last != std::floor(last) || first < 0 || last > part.n ||
        first >= last)
      return fail("a range of at least one number within [0:" + std::to_string(part.n) + ']');
    part.begin += static_cast<int>(first);
    part.n = static_cast<int>(last - first);
  }

  const mjModel* m_;
  const std::string& text_;
  std::size_t at_ = 0;
  std::string problem_;
};

template <class Read>
auto read_text(const mjModel* m, const std::string& text, const std::string& place,
               Problems& problems, Read read) {
  TermReader reader(m, text);
  auto result = read(reader);
  reader.end();
  if (!reader.is_good()) problems.add(place, in_quotes(text), reader.problem());
  return result;
}

}  // namespace

template <class T>
T* MujocoValue::evaluate(const mjModel* m, const mjData* d, T* values) const {
  if (function == TermFunction::kNorm) {
    *values = static_cast<T>(sum(m, d));
    return values + 1;
  }
  for (int i = 0; i < part.n; ++i) values[i] = static_cast<T>(element_of(*this, m, d, i));
  return values + part.n;
}

template float* MujocoValue::evaluate(const mjModel*, const mjData*, float*) const;
template double* MujocoValue::evaluate(const mjModel*, const mjData*, double*) const;

double MujocoValue::sum(const mjModel* m, const mjData* d) const {
  double sum = 0.0;
  for (int i = 0; i < part.n; ++i) sum += element_of(*this, m, d, i);
  return function == TermFunction::kNorm ? std::sqrt(sum) : sum;
}

bool MujocoCondition::holds(const mjModel* m, const mjData* d) const {
  const auto is_right = [&](double x) {
    switch (order) {
      case Order::kBelow:
        return x < bound;
      case Order::kAtMost:
        return x <= bound;
      case Order::kAbove:
        return x > bound;
      default:
        return x >= bound;
    }
  };
  if (value.function == TermFunction::kNorm) return is_right(value.sum(m, d));
  for (int i = 0; i < value.part.n; ++i)
    if (!is_right(element_of(value, m, d, i))) return false;
  return true;
}

double MujocoReward::evaluate(const mjModel* m, const mjData* d) const {
  const double reward = value.part.n == 0 ? weight : weight * value.sum(m, d);
  return reward < -limit ? -limit : reward > limit ? limit : reward;
}

MujocoValue read_value(const mjModel* m, const std::string& text, const std::string& place,
                       Problems& problems) {
  return read_text(m, text, place, problems, [](TermReader& r) { return r.value(); });
}

MujocoCondition read_condition(const mjModel* m, const std::string& text, const std::string& place,
                               Problems& problems) {
  return read_text(m, text, place, problems, [](TermReader& r) {
    using Order = MujocoCondition::Order;
    MujocoCondition condition;
    condition.value = r.value();
    if (r.take(" <= "))
      condition.order = Order::kAtMost;
    else if (r.take(" >= "))
      condition.order = Order::kAtLeast;
    else if (r.take(" < "))
      condition.order = Order::kBelow;
    else if (r.take(" > "))
      condition.order = Order::kAbove;
    else
      r.fail("a term, then \" < \", \" <= \", \" > \" or \" >= \", then a number");
    condition.bound = r.number();
    return condition;
  });
}

MujocoReward read_reward(const mjModel* m, const std::string& text, const std::string& place,
                         Problems& problems) {
  return read_text(m, text, place, problems, [&](TermReader& r) {
    MujocoReward reward;
    reward.weight = r.number();
    if (!r.is_at_end() && !r.is_before(" / ") && !r.is_before(" limit ")) {
      r.expect(" ");
      reward.value = r.value();
    }
    if (r.take(" / timestep")) reward.weight /= m->opt.timestep;
    if (r.take(" limit ")) reward.limit = r.number();
    if (r.is_good() && !(reward.limit > 0.0)) r.fail("limit with a number > 0");
    return reward;
  });
}

MujocoDraw read_draw(const mjModel* m, const std::string& text, const std::string& place,
                     Problems& problems) {
  return read_text(m, text, place, problems, [](TermReader& r) {
    MujocoDraw draw;
    const MujocoPart part = r.part();
    draw.is_velocity = part.array == &mjData::qvel;
    draw.begin = part.begin;
    draw.n = part.n;
    if (r.is_good() && !draw.is_velocity && part.array != &mjData::qpos)
      r.fail("qpos or qvel: start positions and velocities are drawn");
    r.expect(" in ");
    do {
      draw.low.push_back(r.number());
      r.expect(" to ");
      draw.high.push_back(r.number());
      if (r.is_good() && draw.low.back() > draw.high.back()) r.fail("the lower number first");
    } while (r.take(", "));
    if (r.take(" norm < "))
      draw.max_norm = r.number();
    else if (r.take(" norm > "))
      draw.min_norm = r.number();
    if (!r.is_good()) return draw;
    if (draw.low.size() == 1) {
      draw.low.resize(static_cast<std::size_t>(draw.n), draw.low[0]);
      draw.high.resize(static_cast<std::size_t>(draw.n), draw.high[0]);
    }
    if (draw.low.size() != static_cast<std::size_t>(draw.n))
      return r.fail("one pair of numbers, or one for each of the " + std::to_string(draw.n)), draw;
    // a norm that no draw can have would never come to an end
    double least = 0.0, most = 0.0;
    for (int i = 0; i < draw.n; ++i) {
      const double low = draw.low[static_cast<std::size_t>(i)],
                   high = draw.high[static_cast<std::size_t>(i)];
      const double far = std::max(std::abs(low), std::abs(high));
      const double near = low > 0.0 ? low : high < 0.0 ? -high : 0.0;
      least += near * near;
      most += far * far;
    }
    if (std::sqrt(least) >= draw.max_norm || std::sqrt(most) <= draw.min_norm)
      r.fail("a norm that numbers between low and high can have");
    return draw;
  });
}

}  // namespace spikelane

#endif
