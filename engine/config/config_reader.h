// The visitor of config_keys.h that reads: JSON values into the fields of a RunConfig, and every
// mistake into a list of problems.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/config/key.h"
#include "engine/config/problems.h"

namespace spikelane {

struct SearchPhase;

/// Reads one document. A field whose key is missing or wrong keeps the value it had. A key that no
/// field asked for is a problem; where it belongs to another kind of the same object, that is said.
class ConfigReader {
 public:
  ConfigReader(const nlohmann::json& document, Problems& problems);

  /// Reports the unknown keys of the outermost object; to be called after the visit.
  void finish() { close_object(); }

  template <class Int>
  void integer(const Key& key, Int& value, IntegerRange range) {
    if (const auto read = read_integer(key, range)) value = static_cast<Int>(*read);
  }

  void number(const Key& key, double& value, NumberRange range,
              std::optional<double> fallback = std::nullopt);
  /// As number, also under the name that the key had in files of before.
  void renamed_number(const Key& key, const char* old_name, double& value, NumberRange range) {
    Key old = key;
    old.name = old_name;
    number(has(old) && !has(key) ? old : key, value, range);
  }

  void boolean(const Key& key, bool& value);
  void text(const Key& key, std::string& value);
  void per_neuron(const Key& key, std::vector<double>& values, int n, NumberRange range);

  /// `decay` or, in its place, `time_constant`; not both, and one of them where `is_required`.
  /// Time constants may be {"log_spaced": [first, last]}, the same ratio from neuron to neuron;
  /// with "stride": k neuron i has the one of place i*k mod n.
  void decay(const Key& decay, const Key& time_constant, std::vector<double>& values, int n,
             double dt_ms, bool is_required = true);

  /// As per_neuron, or "unit_gain": 1/(1 - alpha), so that (1 - alpha) * R_m = 1.
  void resistance(const Key& key, std::vector<double>& values, const std::vector<double>& alpha,
                  int n);

  /// Steps, or times that are whole numbers of steps: a number, or a list without repetition.
  void delays(const Key& in_steps, const Key& in_ms, std::vector<int>& steps, bool& is_list,
              double dt_ms);

  void number_map(const Key& key, std::map<std::string, double>& values, NumberRange range);

  /// A count, or "all", which is 0 in the field.
  void count_or_all(const Key& key, int& value, IntegerRange range);

  /// A list of names, or "all", which is the empty list in the field.
  void names_or_all(const Key& key, std::vector<std::string>& values, const char* what = "tensor");

  /// An array of texts, which may be empty.
  void texts(const Key& key, std::vector<std::string>& values);

  /// Whether fields may be given the default of a key that hangs on another one.
  static constexpr bool fills_defaults() { return true; }

  /// Reads the enum, then fills in the fields that `apply` gives a value of it.
  template <class Enum, std::size_t n, class Apply>
  void preset(const Key& key, Enum& value, const EnumName<Enum> (&names)[n], Apply apply) {
    if (one_of(key, value, names)) apply(Enum(value));
  }

  /// A number of updates, or {"seconds": s}; the other of the two fields is then 0.
  void updates_or_seconds(const Key& key, int& updates, double& seconds);

  template <class Enum, std::size_t n>
  bool one_of(const Key& key, Enum& value, const EnumName<Enum> (&names)[n]) {
    bool is_wrong = false;
    if (const auto index = read_name(key, names_of(names), is_wrong)) value = names[*index].value;
    return !is_wrong;
  }

  template <class Enum, std::size_t n, class Body>
  void variant(const Key& key, Enum& value, const EnumName<Enum> (&names)[n], Body body) {
    if (one_of(key, value, names)) {
      body(value);
    } else {
      levels_.back().is_kind_unknown = true;
    }
  }

  template <class Body>
  void section(const Key& key, Body body) {
    if (open_section(key)) {
      body();
      close_object();
    }
  }

  template <class Body>
  void optional_section(const Key& key, bool& is_there, Body body) {
    if (open_optional_section(key, is_there)) {
      body();
      close_object();
    }
  }

  template <class Item, class Body>
  void list(const Key& key, std::vector<Item>& items, IntegerRange n_items, Body body) {
    const nlohmann::json* array = read_array(key, n_items);
    if (array == nullptr) return;
    items.clear();
    items.reserve(array->size());
    for (std::size_t i = 0; i < array->size(); ++i) {
      Item& item = items.emplace_back();
      if (open_item(key, (*array)[i], i)) {
        body(item);
        close_object();
      }
    }
  }

  /// `searched` for one phase, or `phases` for several; not both.
  template <class Phase, class Body>
  void search_schedule(const Key& searched, const Key& phases, std::vector<Phase>& schedule,
                       Body body) {
    if (!may_read_first_of(phases, searched)) return;
    std::vector<Phase> read(1);
    names_or_all(searched, read[0].searched);
    list(phases, read, {1, 10'000}, body);
    schedule = std::move(read);
    // one phase that searches everything is what an empty schedule says
    if (schedule.size() == 1 && schedule[0].searched.empty()) schedule.clear();
  }

 private:
  struct Level {
    const nlohmann::json* object;
    std::string path, section;  // "network.populations.1." and "network.populations.N."
    std::vector<std::string> asked;
    bool is_kind_unknown = false;
  };

  std::string path(const Key& key) const { return levels_.back().path + key.name; }
  const nlohmann::json* find(const Key& key, const std::string& allowed);
  bool has(const Key& key) const;
  void wrong(const Key& key, const nlohmann::json& value, const std::string& allowed);
  bool may_read_first_of(const Key& first, const Key& second);
  bool read_number(const nlohmann::json& value, NumberRange range, double& number) const;

  bool read_log_spaced(const Key& key, std::vector<double>& values, int n);
  std::optional<std::uint64_t> read_integer(const Key& key, IntegerRange range);
  std::optional<std::size_t> read_name(const Key& key, const std::vector<std::string>& names,
                                       bool& is_wrong);
  const nlohmann::json* read_array(const Key& key, IntegerRange n_items);
  bool open_section(const Key& key);
  bool open_optional_section(const Key& key, bool& is_there);
  bool open_item(const Key& list_key, const nlohmann::json& item, std::size_t index);
  void open_object(const nlohmann::json& object, const std::string& path,
                   const std::string& section);
  void close_object();

  std::vector<Level> levels_;
  Problems& problems_;
};

}  // namespace spikelane
