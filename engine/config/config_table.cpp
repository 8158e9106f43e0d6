#include "engine/config/config_table.h"

#include <algorithm>
#include <map>

#include "engine/config/config_keys.h"
#include "engine/config/parse_config.h"
#include "engine/config/problems.h"

namespace spikelane {
namespace {

// the visitor of config_keys.h that takes notes: walks through every kind of every object
class TableMaker {
 public:
  std::vector<KeyRow> take_rows() { return std::move(rows_); }

  template <class Int>
  void integer(const Key& key, const Int& value, IntegerRange range) {
    add(key, range.to_text(), std::to_string(value));
  }

  void number(const Key& key, double value, NumberRange range,
              std::optional<double> fallback = std::nullopt) {
    add(key, range.to_text(), number_text(fallback.value_or(value)));
  }

  void boolean(const Key& key, bool value) { add(key, "true or false", value ? "true" : "false"); }

  void text(const Key& key, const std::string& value) {
    add(key, key.is_required ? "a text, not empty" : "a text", in_quotes(value));
  }

  void per_neuron(const Key& key, const std::vector<double>& values, int, NumberRange range) {
    add(key, per_neuron_text(range), number_text(values[0]));
  }

  void resistance(const Key& key, const std::vector<double>& values, const std::vector<double>&,
                  int) {
    add(key, per_neuron_text({}) + ", or \"unit_gain\"", number_text(values[0]));
  }
  void decay(const Key& decay, const Key& time_constant, const std::vector<double>&, int, double,
             bool is_required = true) {
    add(decay, per_neuron_text(kZeroToOne), is_required ? "" : "0");
    add(time_constant,
        per_neuron_text(kPositive) + ", or {\"log_spaced\": [first, last], \"stride\": k}", "");
  }

  void number_map(const Key& key, const std::map<std::string, double>&, NumberRange range) {
    add(key, "an object of numbers, each " + range.to_text(), "{}");
  }

  void count_or_all(const Key& key, int value, IntegerRange range) {
    add(key, range.to_text() + ", or \"all\"", value == 0 ? "\"all\"" : std::to_string(value));
  }

  void delays(const Key& steps, const Key& ms, const std::vector<int>&, bool, double) {
    add(steps, delays_text(false), "1 where recurrent, else 0");
    add(ms, delays_text(true), "");
  }

  void names_or_all(const Key& key, const std::vector<std::string>&, const char* what = "tensor") {
    add(key, std::string("\"all\", or an array of ") + what + " names", "\"all\"");
  }

  void updates_or_seconds(const Key& key, int, double seconds) {
    add(key, updates_or_seconds_text(), "{\"seconds\": " + number_text(seconds) + "}");
  }

  template <class Enum, std::size_t n>
  void one_of(const Key& key, Enum value, const EnumName<Enum> (&names)[n]) {
    add(key, one_of_text(names_of(names), ""), in_quotes(name_of(value, names)));
  }

  void renamed_number(const Key& key, const char*, double value, NumberRange range) {
    number(key, value, range);
  }

  void texts(const Key& key, const std::vector<std::string>&) {
    add(key, "an array of texts", "[]");
  }

  static constexpr bool fills_defaults() { return true; }

  template <class Enum, std::size_t n, class Apply>
  void preset(const Key& key, Enum value, const EnumName<Enum> (&names)[n], Apply) {
    one_of(key, value, names);
  }

  template <class Enum, std::size_t n, class Body>
  void variant(const Key& key, Enum& value, const EnumName<Enum> (&names)[n], Body body) {
    one_of(key, value, names);
    const Enum kept = value;
    const std::string outer = condition_;
    const std::size_t outer_kinds = n_kinds_;
    for (const auto& entry : names) {
      condition_ = std::string(key.name) + " = " + entry.name;
      n_kinds_ = n;
      value = entry.value;
      body(entry.value);
    }
    value = kept;
    condition_ = outer;
    n_kinds_ = outer_kinds;
  }

  template <class Body>
  void section(const Key& key, Body body) {
    add(key, "an object, below", key.is_required ? "" : "{}");
    inside(std::string(key.name) + '.', body);
  }

  template <class Body>
  void optional_section(const Key& key, bool& is_there, Body body) {
    add(key, "true, false or an object, below", is_there ? "true" : "false");
    inside(std::string(key.name) + '.', body);
  }

  template <class Item, class Body>
  void list(const Key& key, std::vector<Item>&, IntegerRange n_items, Body body) {
    add(key,
        "an array of " + std::to_string(n_items.min) + " to " + std::to_string(n_items.max) +
            " objects, below",
        "");
    Item item;
    inside(std::string(key.name) + ".N.", [&] { body(item); });
  }

  template <class Phase, class Body>
  void search_schedule(const Key& searched, const Key& phases, std::vector<Phase>& schedule,
                       Body body) {
    names_or_all(searched, {});
    list(phases, schedule, {1, 10'000}, body);
  }

 private:
  template <class Body>
  void inside(const std::string& name, Body body) {
    const std::string outer_section = section_, outer_condition = condition_;
    section_ += name;
    condition_.clear();
    body();
    section_ = outer_section;
    condition_ = outer_condition;
  }

  // a key that several kinds share is one row, unless they mean or allow different things
  void add(const Key& key, std::string allowed, const std::string& value) {
    auto row = std::find_if(rows_.begin(), rows_.end(), [&](const KeyRow& r) {
      return r.section == section_ && r.name == key.name && r.meaning == key.meaning &&
             r.allowed == allowed;
    });
    if (row == rows_.end()) {
      rows_.push_back(
          {section_, key.name, std::move(allowed), key.unit, key.meaning, {}, {}, key.is_required});
      row = rows_.end() - 1;
    }
    // a section that several kinds have is visited once for each of them
    const bool is_listed =
        std::find(row->kinds_of.begin(), row->kinds_of.end(), condition_) != row->kinds_of.end();
    if (!condition_.empty() && !is_listed) row->kinds_of.push_back(condition_);
    // a key that all kinds have needs no mention of them
    if (row->kinds_of.size() == n_kinds_) row->kinds_of.clear();
    const bool is_new = std::none_of(row->defaults.begin(), row->defaults.end(),
                                     [&](const KeyDefault& d) { return d.value == value; });
    if (!key.is_required && is_new) row->defaults.push_back({condition_, value});
  }

  std::vector<KeyRow> rows_;
  std::string section_, condition_;
  std::size_t n_kinds_ = 0;
};

std::string join(const std::vector<std::string>& parts, const std::string& between) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : between) + part;
  return text;
}

std::string default_text(const KeyRow& row) {
  if (row.is_required) return "required";
  std::string text;
  for (std::size_t i = 0; i < row.defaults.size(); ++i) {
    const KeyDefault& d = row.defaults[i];
    if (d.value.empty()) continue;
    if (i > 0) text += "; " + d.condition + ": ";
    text += '`' + d.value + '`';
  }
  return text;
}

std::string title_of(const std::string& section) {
  return section.empty() ? "The whole file" : '`' + section.substr(0, section.size() - 1) + '`';
}

}  // namespace

const std::vector<KeyRow>& key_rows() {
  static const std::vector<KeyRow> rows = [] {
    TableMaker maker;
    RunConfig defaults;
    visit_config(maker, defaults);
    std::vector<KeyRow> all = maker.take_rows();
    // sections in the order of their first key
    std::vector<std::string> order;
    for (const KeyRow& row : all) {
      if (std::find(order.begin(), order.end(), row.section) == order.end()) {
        order.push_back(row.section);
      }
    }
    std::stable_sort(all.begin(), all.end(), [&](const KeyRow& a, const KeyRow& b) {
      return std::find(order.begin(), order.end(), a.section) <
             std::find(order.begin(), order.end(), b.section);
    });
    return all;
  }();
  return rows;
}

std::optional<std::string> condition_of_key(std::string_view section, std::string_view name) {
  std::vector<std::string> kinds;
  bool is_known = false;
  for (const KeyRow& row : key_rows()) {
    if (row.section != section || row.name != name) continue;
    is_known = true;
    kinds.insert(kinds.end(), row.kinds_of.begin(), row.kinds_of.end());
  }
  return is_known ? std::optional(join(kinds, " or ")) : std::nullopt;
}

std::vector<std::string> keys_of_section(std::string_view section) {
  std::vector<std::string> names;
  for (const KeyRow& row : key_rows()) {
    const bool is_new = std::find(names.begin(), names.end(), row.name) == names.end();
    if (row.section == section && is_new) names.push_back(row.name);
  }
  return names;
}

std::string delay_text(bool is_ms) {
  const std::string most = std::to_string(kMaxDelay);
  return is_ms ? "a time of 0 to " + most + " whole steps of dt_ms"
               : "an integer from 0 to " + most;
}

std::string delays_text(bool is_ms) {
  return delay_text(is_ms) + ", or an array of 1 to " + std::to_string(kMaxDelays) + " of them";
}

std::string per_neuron_text(NumberRange range) {
  return range.to_text() + ", or an array of n such numbers";
}

std::string updates_or_seconds_text() {
  return kUpdatesBetween.to_text() + ", or {\"seconds\": " + kSecondsBetween.to_text() + "}";
}

std::string config_keys_markdown() {
  std::string text;
  const std::string* section = nullptr;
  for (const KeyRow& row : key_rows()) {
    if (section == nullptr || *section != row.section) {
      text += "\n### " + title_of(row.section) + "\n\n";
      text += "| key | meaning | allowed | unit | default | only where |\n";
      text += "|---|---|---|---|---|---|\n";
      section = &row.section;
    }
    for (const std::string& cell : {'`' + row.name + '`', row.meaning, row.allowed, row.unit,
                                    default_text(row), join(row.kinds_of, ", ")}) {
      text += "| " + cell + (cell.empty() ? "" : " ");
    }
    text += "|\n";
  }
  return text.substr(1);
}

}  // namespace spikelane
