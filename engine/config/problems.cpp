#include "engine/config/problems.h"

#include <algorithm>

namespace spikelane {
namespace {

constexpr std::size_t kMaxProblems = 100;
constexpr std::size_t kMaxNames = 24;
constexpr std::size_t kMaxCompared = 64;

// length of the well-formed UTF-8 character at the start of `s`, 0 when it is none
std::size_t utf8_length(std::string_view s) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t n = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || s.size() < n) return 0;
  for (std::size_t i = 1; i < n; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // overlong forms, surrogates, beyond U+10FFFF
  if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F)) return 0;
  if ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F)) return 0;
  return n;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

void Problems::add(std::string place, std::string value, std::string allowed) {
  if (list_.size() >= kMaxProblems) {
    ++n_left_out_;
    return;
  }
  list_.push_back({std::move(place), std::move(value), std::move(allowed)});
}

bool Problems::has_at(std::string_view place) const {
  return std::any_of(list_.begin(), list_.end(), [&](const Problem& problem) {
    const std::string_view found = problem.place;
    return found.substr(0, place.size()) == place &&
           (found.size() == place.size() || found[place.size()] == '.');
  });
}

void Problems::throw_if_any() const {
  if (list_.empty()) return;
  std::vector<Problem> all = list_;
  if (n_left_out_ > 0) {
    all.push_back({"and so on", std::to_string(n_left_out_) + " more problems", "none"});
  }
  throw UserError(std::move(all));
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t n = utf8_length(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

std::string printable(std::string_view text, std::size_t n_max) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string shown;
  while (!text.empty()) {
    if (shown.size() >= n_max) return shown + "...";
    const std::size_t n = utf8_length(text);
    const auto byte = static_cast<unsigned char>(text[0]);
    if (n == 0 || byte < 0x20 || byte == 0x7F) {
      shown += "\\x";
      shown += kDigits[byte >> 4];
      shown += kDigits[byte & 15];
      text.remove_prefix(1);
    } else {
      shown += text.substr(0, n);
      text.remove_prefix(n);
    }
  }
  return shown;
}

std::string in_quotes(std::string_view text) { return '"' + printable(text) + '"'; }

std::string nearest(std::string_view text, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = 0;
  for (const std::string& candidate : candidates) {
    const std::size_t distance =
        edit_distance(text.substr(0, kMaxCompared), std::string_view(candidate));
    if (best.empty() || distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string one_of_text(const std::vector<std::string>& candidates, std::string_view found) {
  if (candidates.empty()) return "nothing";
  std::string text = candidates.size() == 1 ? "" : "one of ";
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (i > 0) text += ", ";
    if (i == kMaxNames) {
      text += "...";
      break;
    }
    text += in_quotes(candidates[i]);
  }
  if (!found.empty() && candidates.size() > 1) {
    text += " (nearest: " + in_quotes(nearest(found, candidates)) + ")";
  }
  return text;
}

}  // namespace spikelane
