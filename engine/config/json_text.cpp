#include "engine/config/json_text.h"

#include <charconv>

namespace spikelane {
namespace {

using nlohmann::json;

std::string place_in_text(std::string_view text, std::size_t n_read, const std::string& name) {
  std::size_t line = 1, column = 1;
  // the parser counts the offending byte as read
  for (std::size_t i = 0; i + 1 < n_read && i < text.size(); ++i) {
    column = text[i] == '\n' ? 1 : column + 1;
    line += text[i] == '\n' ? 1 : 0;
  }
  return name + ':' + std::to_string(line) + ':' + std::to_string(column);
}

// "[json.exception...] parse error at line 1, column 2: syntax error while parsing value - what it
// was; last read: 'x'; expected y" -> "what it was; expected y"
std::string reason_of(const std::string& what) {
  const std::size_t dash = what.find(" - ");
  const std::size_t bracket = what.find("] ");
  std::string reason = dash != std::string::npos      ? what.substr(dash + 3)
                       : bracket != std::string::npos ? what.substr(bracket + 2)
                                                      : what;
  const std::size_t last_read = reason.find("; last read: '");
  if (last_read != std::string::npos) {
    const std::size_t expected = reason.rfind("; expected ");
    const bool is_after = expected != std::string::npos && expected > last_read;
    reason = reason.substr(0, last_read) + (is_after ? reason.substr(expected) : "");
  }
  return printable(reason, 200);
}

// builds the document from nlohmann's event parser, which uses no recursion
class DocumentBuilder : public nlohmann::json_sax<json> {
 public:
  DocumentBuilder(std::string_view text, const std::string& name, Problems& problems)
      : text_(text), name_(name), problems_(problems) {}

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(value); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Level& level = levels_.back();
    level.key = name;
    if (level.value.contains(name)) {
      problems_.add(path() + printable(name), "a second key of this name",
                    "each key at most once in an object");
    }
    return true;
  }

  bool parse_error(std::size_t position, const std::string& last_token,
                   const nlohmann::detail::exception& error) override {
    const bool is_at_end = position > text_.size() || text_.empty();
    problems_.add(place_in_text(text_, position, name_),
                  is_at_end ? "the end of the text" : in_quotes(last_token),
                  "valid JSON (" + reason_of(error.what()) + ")");
    return false;
  }

  json take_document() { return std::move(root_); }

 private:
  struct Level {
    json value;
    std::string key;
  };

  // path of the innermost open value, with a dot at the end
  std::string path() const {
    std::string text;
    for (std::size_t i = 0; i + 1 < levels_.size(); ++i) {
      const Level& level = levels_[i];
      text += level.value.is_array() ? std::to_string(level.value.size()) : printable(level.key);
      text += '.';
    }
    return text;
  }

  bool put(json value) {
    if (levels_.empty()) {
      root_ = std::move(value);
    } else if (Level& level = levels_.back(); level.value.is_array()) {
      level.value.push_back(std::move(value));
    } else {
      level.value[level.key] = std::move(value);
    }
    return true;
  }

  bool open(json empty) {
    if (levels_.size() >= static_cast<std::size_t>(kMaxJsonDepth)) {
      problems_.add(name_, "nesting deeper than " + std::to_string(kMaxJsonDepth) + " levels",
                    "at most " + std::to_string(kMaxJsonDepth) + " levels");
      return false;
    }
    levels_.push_back({std::move(empty), {}});
    return true;
  }

  bool close() {
    json value = std::move(levels_.back().value);
    levels_.pop_back();
    return put(std::move(value));
  }

  std::string_view text_;
  const std::string& name_;
  Problems& problems_;
  std::vector<Level> levels_;
  json root_;
};

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts(1);
  for (const char c : path) {
    if (c == '.') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  // the keys of this map are tensor names, which hold dots themselves
  if (parts.size() > 3 && parts[0] == "rule" && parts[1] == "sigma_of") {
    for (std::size_t i = 3; i < parts.size(); ++i) parts[2] += '.' + parts[i];
    parts.resize(3);
  }
  return parts;
}

json parse_override_value(const std::string& text) {
  Problems problems;
  json value = parse_json(text, "--set", problems);
  return problems.is_empty() ? value : json(text);
}

void apply_override(json& document, const std::string& override_text, Problems& problems) {
  const std::string place = "--set " + printable(override_text, 120);
  const std::size_t equals = override_text.find('=');
  if (equals == std::string::npos || equals == 0 || !is_utf8(override_text)) {
    problems.add(place, in_quotes(override_text), "key.path=value, in UTF-8");
    return;
  }
  const std::vector<std::string> parts =
      split_path(std::string_view(override_text).substr(0, equals));
  if (parts.size() > static_cast<std::size_t>(kMaxJsonDepth)) {
    problems.add(place, std::to_string(parts.size()) + " steps in the path",
                 "at most " + std::to_string(kMaxJsonDepth));
    return;
  }
  json* target = &document;
  std::string walked;
  for (const std::string& part : parts) {
    if (target->is_array()) {
      std::size_t index = 0;
      const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
      if (error != std::errc() || end != part.data() + part.size() || index >= target->size()) {
        const std::string last = std::to_string(target->size() - 1);
        problems.add(
            place, "the index " + in_quotes(part) + " in " + walked,
            target->empty() ? "nothing: it is an empty array" : "an index from 0 to " + last);
        return;
      }
      target = &(*target)[index];
    } else if ((target->is_object() || target->is_null()) && !part.empty()) {
      target = &(*target)[part];
    } else if (part.empty()) {
      problems.add(place, "an empty step in the path", "names with one dot between them");
      return;
    } else {
      problems.add(place, walked + " = " + value_text(*target),
                   "a path to a key: " + walked + " is no object and no array");
      return;
    }
    if (!walked.empty()) walked += '.';
    walked += printable(part);
  }
  *target = parse_override_value(override_text.substr(equals + 1));
}

}  // namespace

json parse_json(std::string_view text, const std::string& name, Problems& problems) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    problems.add(name, "an empty text", "a JSON object");
    return json(json::value_t::discarded);
  }
  DocumentBuilder builder(text, name, problems);
  if (!json::sax_parse(text.begin(), text.end(), &builder)) {
    return json(json::value_t::discarded);
  }
  return builder.take_document();
}

void apply_overrides(json& document, const std::vector<std::string>& overrides,
                     Problems& problems) {
  for (const std::string& text : overrides) apply_override(document, text, problems);
}

std::string value_text(const json& value) {
  constexpr std::size_t kMaxShown = 8;
  if (value.is_structured() && value.size() > kMaxShown) {
    return (value.is_array() ? "an array of " : "an object of ") + std::to_string(value.size());
  }
  if (value.is_string()) return in_quotes(value.get_ref<const std::string&>());
  return printable(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace spikelane
