// The visitor of config_keys.h that writes: a RunConfig as JSON, defaults filled in.
#include <xxhash.h>

#include <cinttypes>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/config/config_keys.h"
#include "engine/config/parse_config.h"

namespace spikelane {
namespace {

using nlohmann::ordered_json;

class ConfigWriter {
 public:
  explicit ConfigWriter(ordered_json& document) : object_(&document) {}

  template <class Int>
  void integer(const Key& key, const Int& value, IntegerRange) {
    (*object_)[key.name] = value;
  }

  void number(const Key& key, double value, NumberRange, std::optional<double> = std::nullopt) {
    (*object_)[key.name] = value;
  }

  void boolean(const Key& key, bool value) { (*object_)[key.name] = value; }
  void text(const Key& key, const std::string& value) { (*object_)[key.name] = value; }

  void per_neuron(const Key& key, const std::vector<double>& values, int, NumberRange) {
    if (values.size() == 1) {
      (*object_)[key.name] = values[0];
    } else {
      (*object_)[key.name] = values;
    }
  }

  void resistance(const Key& key, const std::vector<double>& values, const std::vector<double>&,
                  int n) {
    per_neuron(key, values, n, {});
  }
  // a time constant is written as the decay it stands for
  void decay(const Key& decay, const Key&, const std::vector<double>& values, int n, double,
             bool = true) {
    per_neuron(decay, values, n, kZeroToOne);
  }

  void number_map(const Key& key, const std::map<std::string, double>& values, NumberRange) {
    ordered_json& object = (*object_)[key.name] = ordered_json::object();
    for (const auto& [name, value] : values) object[name] = value;
  }

  void count_or_all(const Key& key, int value, IntegerRange) {
    if (value == 0) {
      (*object_)[key.name] = "all";
    } else {
      (*object_)[key.name] = value;
    }
  }

  void names_or_all(const Key& key, const std::vector<std::string>& values, const char* = nullptr) {
    if (values.empty()) {
      (*object_)[key.name] = "all";
    } else {
      (*object_)[key.name] = values;
    }
  }

  void updates_or_seconds(const Key& key, int updates, double seconds) {
    if (updates > 0 || seconds == 0.0)
      (*object_)[key.name] = updates;
    else
      (*object_)[key.name] = {{"seconds", seconds}};
  }

  // left out where there is none, so that digests of other networks stay
  void delays(const Key& key, const Key&, const std::vector<int>& steps, bool is_list, double) {
    if (steps.empty()) return;
    if (is_list) {
      (*object_)[key.name] = steps;
    } else {
      (*object_)[key.name] = steps[0];
    }
  }

  template <class Enum, std::size_t n>
  void one_of(const Key& key, Enum value, const EnumName<Enum> (&names)[n]) {
    (*object_)[key.name] = name_of(value, names);
  }

  void renamed_number(const Key& key, const char*, double value, NumberRange range) {
    number(key, value, range);
  }

  void texts(const Key& key, const std::vector<std::string>& values) {
    (*object_)[key.name] = values;
  }

  static constexpr bool fills_defaults() { return false; }

  // what the value filled in is written key by key
  template <class Enum, std::size_t n, class Apply>
  void preset(const Key& key, Enum value, const EnumName<Enum> (&names)[n], Apply) {
    one_of(key, value, names);
  }

  template <class Enum, std::size_t n, class Body>
  void variant(const Key& key, Enum value, const EnumName<Enum> (&names)[n], Body body) {
    one_of(key, value, names);
    body(value);
  }

  template <class Body>
  void section(const Key& key, Body body) {
    (*object_)[key.name] = ordered_json::object();
    inside((*object_)[key.name], body);
  }

  template <class Body>
  void optional_section(const Key& key, bool is_there, Body body) {
    if (is_there) {
      section(key, body);
    } else {
      (*object_)[key.name] = false;
    }
  }

  template <class Item, class Body>
  void list(const Key& key, std::vector<Item>& items, IntegerRange, Body body) {
    ordered_json array = ordered_json::array();
    for (Item& item : items) {
      array.push_back(ordered_json::object());
      inside(array.back(), [&] { body(item); });
    }
    (*object_)[key.name] = std::move(array);
  }

  // one phase from the start on is written in the short form
  template <class Phase, class Body>
  void search_schedule(const Key& searched, const Key& phases, std::vector<Phase>& schedule,
                       Body body) {
    if (schedule.empty()) {
      names_or_all(searched, {});
    } else if (schedule.size() == 1 && schedule[0].from_update == 0) {
      names_or_all(searched, schedule[0].searched);
    } else {
      list(phases, schedule, {}, body);
    }
  }

 private:
  template <class Body>
  void inside(ordered_json& object, Body body) {
    ordered_json* const outer = object_;
    object_ = &object;
    body();
    object_ = outer;
  }

  ordered_json* object_;
};

ordered_json to_json_document(RunConfig config) {
  ordered_json document = ordered_json::object();
  ConfigWriter writer(document);
  visit_config(writer, config);
  return document;
}

std::string digest_of(const ordered_json& document) {
  // nlohmann::json sorts its keys
  const std::string text = nlohmann::json(document).dump();
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016" PRIx64,
                static_cast<std::uint64_t>(XXH64(text.data(), text.size(), 0)));
  return digits;
}

}  // namespace

std::string config_to_json(const RunConfig& config) { return to_json_document(config).dump(2); }

std::string config_digest(const RunConfig& config) {
  ordered_json document = to_json_document(config);
  document.erase("run");
  return digest_of(document);
}

std::string network_digest(const RunConfig& config) {
  return digest_of(to_json_document(config)["network"]);
}

}  // namespace spikelane
