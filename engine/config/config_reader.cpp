#include "engine/config/config_reader.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "engine/config/config_table.h"
#include "engine/config/json_text.h"
#include "kernels/core/double_math.h"

namespace spikelane {

using nlohmann::json;

namespace {

const json kEmptyObject = json::object();

// integers may be written as 2000, 2e3 or 2000.0
std::optional<std::uint64_t> as_count(const json& value) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const double x = value.get<double>();
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (!(x >= 0.0 && x <= kExact) || x != std::floor(x)) return std::nullopt;
  return static_cast<std::uint64_t>(x);
}

}  // namespace

ConfigReader::ConfigReader(const json& document, Problems& problems) : problems_(problems) {
  open_object(document, "", "");
}

void ConfigReader::open_object(const json& object, const std::string& path,
                               const std::string& section) {
  levels_.push_back({&object, path, section, {}, false});
}

void ConfigReader::close_object() {
  const Level level = std::move(levels_.back());
  levels_.pop_back();
  for (const auto& [name, value] : level.object->items()) {
    if (std::find(level.asked.begin(), level.asked.end(), name) != level.asked.end()) continue;
    const std::string place = level.path + printable(name);
    const std::optional<std::string> condition = condition_of_key(level.section, name);
    if (!condition) {
      const std::vector<std::string> known =
          level.is_kind_unknown ? keys_of_section(level.section) : level.asked;
      problems_.add(place, "an unknown key", one_of_text(known, name));
    } else if (!level.is_kind_unknown) {
      problems_.add(place, value_text(value), "this key only where " + *condition);
    }
  }
}

const json* ConfigReader::find(const Key& key, const std::string& allowed) {
  Level& level = levels_.back();
  level.asked.emplace_back(key.name);
  const auto found = level.object->find(key.name);
  if (found != level.object->end()) return &*found;
  if (key.is_required) problems_.add(path(key), "nothing", allowed);
  return nullptr;
}

bool ConfigReader::has(const Key& key) const { return levels_.back().object->contains(key.name); }

void ConfigReader::wrong(const Key& key, const json& value, const std::string& allowed) {
  problems_.add(path(key), value_text(value), allowed);
}

std::optional<std::uint64_t> ConfigReader::read_integer(const Key& key, IntegerRange range) {
  const json* value = find(key, range.to_text());
  if (value == nullptr) return std::nullopt;
  const std::optional<std::uint64_t> count = as_count(*value);
  if (count && *count >= range.min && *count <= range.max) return count;
  wrong(key, *value, range.to_text());
  return std::nullopt;
}

bool ConfigReader::read_number(const json& value, NumberRange range, double& number) const {
  if (!value.is_number() || !range.contains(value.get<double>())) return false;
  number = value.get<double>();
  return true;
}

void ConfigReader::number(const Key& key, double& value, NumberRange range,
                          std::optional<double> fallback) {
  const json* found = find(key, range.to_text());
  if (found == nullptr) {
    if (fallback) value = *fallback;
  } else if (!read_number(*found, range, value)) {
    wrong(key, *found, range.to_text());
  }
}

void ConfigReader::boolean(const Key& key, bool& value) {
  const json* found = find(key, "true or false");
  if (found == nullptr) return;
  if (found->is_boolean()) {
    value = found->get<bool>();
  } else {
    wrong(key, *found, "true or false");
  }
}

void ConfigReader::text(const Key& key, std::string& value) {
  const std::string allowed = key.is_required ? "a text, not empty" : "a text";
  const json* found = find(key, allowed);
  if (found == nullptr) return;
  if (found->is_string() && !(key.is_required && found->get_ref<const std::string&>().empty())) {
    value = found->get<std::string>();
  } else {
    wrong(key, *found, allowed);
  }
}

void ConfigReader::per_neuron(const Key& key, std::vector<double>& values, int n,
                              NumberRange range) {
  const std::string allowed = per_neuron_text(range);
  const json* found = find(key, allowed);
  if (found == nullptr) return;
  double one = 0.0;
  if (read_number(*found, range, one)) {
    values = {one};
    return;
  }
  if (!found->is_array()) {
    wrong(key, *found, allowed);
    return;
  }
  // n is 0 where it was wrong itself
  if (n > 0 && found->size() != static_cast<std::size_t>(n)) {
    problems_.add(path(key), "an array of " + std::to_string(found->size()),
                  "one number, or an array of n = " + std::to_string(n) + " numbers");
  }
  std::vector<double> read(found->size());
  // an array of another length is never stored: checks look at its n-th entry
  bool is_right = n == 0 || found->size() == static_cast<std::size_t>(n);
  for (std::size_t i = 0; i < read.size(); ++i) {
    if (!read_number((*found)[i], range, read[i])) {
      is_right = false;
      problems_.add(path(key) + '.' + std::to_string(i), value_text((*found)[i]), range.to_text());
    }
  }
  if (is_right && !read.empty()) values = std::move(read);
}

void ConfigReader::decay(const Key& decay, const Key& time_constant, std::vector<double>& values,
                         int n, double dt_ms, bool is_required) {
  const bool has_decay = has(decay), has_time_constant = has(time_constant);
  if (!has_decay && !has_time_constant) {
    if (is_required)
      problems_.add(path(decay), "nothing",
                    per_neuron_text(kZeroToOne) + "; or " + time_constant.name + " in its place");
  } else if (has_decay && has_time_constant) {
    problems_.add(path(time_constant), std::string("it beside ") + decay.name, "one of the two");
  }
  per_neuron(decay, values, n, kZeroToOne);
  std::vector<double> times;
  if (!read_log_spaced(time_constant, times, n)) per_neuron(time_constant, times, n, kPositive);
  if (times.empty() || has_decay) return;
  values = std::move(times);
  for (double& value : values) value = own_exp(-dt_ms / value);
}

bool ConfigReader::read_log_spaced(const Key& key, std::vector<double>& values, int n) {
  const std::string allowed =
      "{\"log_spaced\": [first, last]}, two numbers > 0, and, where wanted, \"stride\", a whole "
      "number without a factor in common with n";
  if (!has(key)) return false;
  const json& found = *find(key, allowed);
  if (!found.is_object()) return false;
  const auto ends = found.find("log_spaced");
  double first = 0.0, last = 0.0;
  const auto step = found.find("stride");
  const bool has_stride = step != found.end();
  std::optional<std::uint64_t> stride = 1;
  if (has_stride) stride = as_count(*step);
  const auto n_values = static_cast<std::uint64_t>(n);
  if (found.size() != (has_stride ? 2u : 1u) || !stride || *stride > UINT32_MAX ||
      (n > 0 && std::gcd(*stride, n_values) != 1) || ends == found.end() || !ends->is_array() ||
      ends->size() != 2 || !read_number((*ends)[0], kPositive, first) ||
      !read_number((*ends)[1], kPositive, last)) {
    wrong(key, found, allowed);
    return true;
  }
  const double log_first = own_log(first), log_last = own_log(last);
  for (std::uint64_t i = 0; i < n_values; ++i) {
    const auto place = static_cast<double>(i * *stride % n_values);
    values.push_back(own_exp(log_first + (log_last - log_first) * (place + 0.5) / n));
  }
  return true;
}

void ConfigReader::resistance(const Key& key, std::vector<double>& values,
                              const std::vector<double>& alpha, int n) {
  if (!has(key) || *find(key, "") != "unit_gain") {
    per_neuron(key, values, n, {});
    return;
  }
  values.clear();
  for (const double decay : alpha) {
    if (decay < 1.0) {
      values.push_back(1.0 / (1.0 - decay));
      continue;
    }
    problems_.add(path(key), "\"unit_gain\" with a membrane that does not decay", "numbers there");
    values = {1.0};
    return;
  }
}

void ConfigReader::delays(const Key& in_steps, const Key& in_ms, std::vector<int>& steps,
                          bool& is_list, double dt_ms) {
  if (!may_read_first_of(in_steps, in_ms)) return;
  const bool is_ms = has(in_ms);
  const Key& key = is_ms ? in_ms : in_steps;
  find(in_steps, "");
  find(in_ms, "");
  if (!has(key)) return;
  const std::string allowed = delays_text(is_ms);
  const json& found = *find(key, allowed);
  is_list = found.is_array();
  if (is_list && (found.empty() || found.size() > kMaxDelays)) {
    wrong(key, found, allowed);
    return;
  }
  const json items = is_list ? found : json::array({found});
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string place = path(key) + (is_list ? '.' + std::to_string(i) : std::string());
    double value = 0.0;
    const double unit = is_ms ? dt_ms : 1.0;
    const NumberRange range{.min = 0.0, .max = static_cast<double>(kMaxDelay) * unit};
    if (!read_number(items[i], range, value)) {
      problems_.add(place, value_text(items[i]), delay_text(is_ms));
      continue;
    }
    const double n = value / unit, nearest = std::round(n);
    // a time that is a whole number of steps but for its rounding
    if (std::fabs(n - nearest) > (is_ms ? 1e-9 * std::max(1.0, nearest) : 0.0)) {
      problems_.add(place, value_text(items[i]),
                    "a whole number of steps" +
                        (is_ms ? " of " + number_text(dt_ms) + " ms" : std::string()) +
                        "; the nearest are " + number_text(std::floor(n) * unit) + " and " +
                        number_text(std::ceil(n) * unit));
      continue;
    }
    const int step = static_cast<int>(nearest);
    if (std::find(steps.begin(), steps.end(), step) != steps.end())
      problems_.add(place, value_text(items[i]) + ", a second time", "each delay once");
    steps.push_back(step);
  }
}

void ConfigReader::number_map(const Key& key, std::map<std::string, double>& values,
                              NumberRange range) {
  const std::string allowed = "an object of numbers, each " + range.to_text();
  const json* found = find(key, allowed);
  if (found == nullptr) return;
  if (!found->is_object()) {
    wrong(key, *found, allowed);
    return;
  }
  for (const auto& [name, value] : found->items()) {
    double number = 0.0;
    if (read_number(value, range, number)) {
      values[name] = number;
    } else {
      problems_.add(path(key) + '.' + printable(name), value_text(value), range.to_text());
    }
  }
}

void ConfigReader::count_or_all(const Key& key, int& value, IntegerRange range) {
  const std::string allowed = range.to_text() + ", or \"all\"";
  const json* found = find(key, allowed);
  if (found == nullptr) return;
  const std::optional<std::uint64_t> count = as_count(*found);
  if (*found == "all") {
    value = 0;
  } else if (count && *count >= range.min && *count <= range.max) {
    value = static_cast<int>(*count);
  } else {
    wrong(key, *found, allowed);
  }
}

void ConfigReader::names_or_all(const Key& key, std::vector<std::string>& values,
                                const char* what) {
  const std::string allowed = std::string("\"all\", or an array of ") + what + " names";
  const json* found = find(key, allowed);
  if (found == nullptr) return;
  values.clear();
  if (*found == "all") return;
  if (!found->is_array() || found->empty()) {
    wrong(key, *found, allowed);
    return;
  }
  for (std::size_t i = 0; i < found->size(); ++i) {
    const json& name = (*found)[i];
    if (name.is_string()) {
      values.push_back(name.get<std::string>());
    } else {
      problems_.add(path(key) + '.' + std::to_string(i), value_text(name),
                    std::string(what[0] == 'a' || what[0] == 'o' ? "an " : "a ") + what + " name");
    }
  }
}

void ConfigReader::texts(const Key& key, std::vector<std::string>& values) {
  const char* allowed = "an array of texts";
  const json* found = find(key, allowed);
  if (found == nullptr) return;
  if (!found->is_array()) return wrong(key, *found, allowed);
  values.clear();
  for (std::size_t i = 0; i < found->size(); ++i) {
    const json& text = (*found)[i];
    if (text.is_string())
      values.push_back(text.get<std::string>());
    else
      problems_.add(path(key) + '.' + std::to_string(i), value_text(text), "a text");
  }
}

std::optional<std::size_t> ConfigReader::read_name(const Key& key,
                                                   const std::vector<std::string>& names,
                                                   bool& is_wrong) {
  const json* found = find(key, one_of_text(names, ""));
  is_wrong = found == nullptr && key.is_required;
  if (found == nullptr) return std::nullopt;
  const std::string text = found->is_string() ? found->get<std::string>() : "";
  const auto match = std::find(names.begin(), names.end(), text);
  if (found->is_string() && match != names.end()) {
    return static_cast<std::size_t>(match - names.begin());
  }
  is_wrong = true;
  wrong(key, *found, one_of_text(names, text));
  return std::nullopt;
}

const json* ConfigReader::read_array(const Key& key, IntegerRange n_items) {
  const std::string allowed = "an array of " + std::to_string(n_items.min) + " to " +
                              std::to_string(n_items.max) + " objects";
  const json* found = find(key, allowed);
  if (found == nullptr) return nullptr;
  if (found->is_array() && found->size() >= n_items.min && found->size() <= n_items.max) {
    return found;
  }
  wrong(key, *found, allowed);
  return nullptr;
}

bool ConfigReader::open_section(const Key& key) {
  const json* found = find(key, "an object");
  if (found == nullptr && key.is_required) return false;
  // a section that is left out has every default
  if (found == nullptr) found = &kEmptyObject;
  if (!found->is_object()) {
    wrong(key, *found, "an object");
    return false;
  }
  open_object(*found, path(key) + '.', levels_.back().section + key.name + '.');
  return true;
}

bool ConfigReader::open_optional_section(const Key& key, bool& is_there) {
  const json* found = find(key, "true, false or an object");
  if (found == nullptr) return false;
  if (found->is_boolean()) {
    is_there = found->get<bool>();
    return false;
  }
  if (!found->is_object()) {
    wrong(key, *found, "true, false or an object");
    return false;
  }
  is_there = true;
  open_object(*found, path(key) + '.', levels_.back().section + key.name + '.');
  return true;
}

bool ConfigReader::open_item(const Key& list_key, const json& item, std::size_t index) {
  const std::string item_path = path(list_key) + '.' + std::to_string(index);
  if (!item.is_object()) {
    problems_.add(item_path, value_text(item), "an object");
    return false;
  }
  open_object(item, item_path + '.', levels_.back().section + list_key.name + ".N.");
  return true;
}

bool ConfigReader::may_read_first_of(const Key& first, const Key& second) {
  if (!has(first) || !has(second)) return true;
  problems_.add(path(first), std::string("it beside ") + second.name, "one of the two");
  for (const Key& key : {first, second}) levels_.back().asked.emplace_back(key.name);
  return false;
}

void ConfigReader::updates_or_seconds(const Key& key, int& updates, double& seconds) {
  const std::string allowed = updates_or_seconds_text();
  const json* found = find(key, allowed);
  if (found == nullptr) return;
  if (found->is_object()) {
    const auto s = found->find("seconds");
    double read = 0.0;
    if (found->size() == 1 && s != found->end() && read_number(*s, kSecondsBetween, read)) {
      updates = 0;
      seconds = read;
      return;
    }
  } else if (const auto n = as_count(*found); n && *n <= kUpdatesBetween.max) {
    updates = static_cast<int>(*n);
    seconds = 0.0;
    return;
  }
  wrong(key, *found, allowed);
}

}  // namespace spikelane
