#include "tools/render_strip.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace spikelane {
namespace {

constexpr int kFigures = 12;  // of a strip
constexpr double kCell = 110.0, kRow = 150.0, kMargin = 16.0, kTitle = 34.0;

template <class... Values>
std::string format(const char* pattern, Values... values) {
  char text[256];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text)
    out += c == '<' ? "&lt;" : c == '&' ? "&amp;" : c == '>' ? "&gt;" : std::string(1, c);
  return out;
}

}  // namespace

EpisodeWatch EpisodeFilm::watch() {
  return {this, [](void* watcher, int episode, int, const double* state, const float*) {
            auto& film = *static_cast<EpisodeFilm*>(watcher);
            // one lane steps one episode, so no other thread comes here
            if (episode == 0)
              film.states_.insert(film.states_.end(), state,
                                  state + film.loop_.view().port.n_state);
          }};
}

static int n_frames(std::size_t n_doubles, const TaskPort& port) {
  return static_cast<int>(n_doubles / static_cast<std::size_t>(port.n_state));
}

std::vector<int> EpisodeFilm::whole_steps() const {
  const int n = n_frames(states_.size(), loop_.view().port);
  std::vector<int> steps;
  for (int k = 0; k < kFigures; ++k) {
    const int step = (n - 1) * k / (kFigures - 1);
    if (steps.empty() || step != steps.back()) steps.push_back(step);
  }
  return steps;
}

std::vector<int> EpisodeFilm::close_steps() const {
  const int n = n_frames(states_.size(), loop_.view().port);
  std::vector<int> steps;
  for (int step = n / 2; step < n && static_cast<int>(steps.size()) < kFigures; step += 2)
    steps.push_back(step);
  return steps;
}

std::string EpisodeFilm::to_svg(const std::string& title) const {
  const TaskPort& port = loop_.view().port;
  void* world = port.make_world ? port.make_world(port) : nullptr;
  const auto figure = [&](int step) {
    std::vector<float> segments;
    loop_.draw()(port, world, states_.data() + std::int64_t{step} * port.n_state, segments);
    return segments;
  };
  const std::vector<std::vector<int>> strips{whole_steps(), close_steps()};
  // one scale and one ground for all figures
  float low = 0.0f, high = 0.1f, half_width = 0.1f;
  for (const auto& strip : strips)
    for (const int step : strip) {
      const std::vector<float> s = figure(step);
      float left = 1e9f, right = -1e9f;
      for (std::size_t i = 0; i + 1 < s.size(); i += 2) {
        left = std::min(left, s[i]);
        right = std::max(right, s[i]);
        low = std::min(low, s[i + 1]);
        high = std::max(high, s[i + 1]);
      }
      half_width = std::max(half_width, 0.5f * (right - left));
    }
  const double scale = std::min((kCell - 10.0) / (2.0 * half_width), (kRow - 40.0) / (high - low));
  const double width = 2 * kMargin + kCell * kFigures, height = kTitle + 2 * kRow + kMargin;
  std::string svg = format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
      "font-family=\"sans-serif\" font-size=\"11\">\n"
      "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
      width, height);
  svg +=
      format("<text x=\"%.0f\" y=\"20\" font-size=\"14\">", kMargin) + escaped(title) + "</text>\n";
  for (std::size_t row = 0; row < strips.size(); ++row) {
    const double ground = kTitle + kRow * static_cast<double>(row) + (kRow - 26.0) + low * scale;
    svg += format("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#a0aec0\"/>\n",
                  kMargin, ground, width - kMargin, ground);
    for (std::size_t k = 0; k < strips[row].size(); ++k) {
      const std::vector<float> s = figure(strips[row][k]);
      float left = 1e9f, right = -1e9f;
      for (std::size_t i = 0; i + 1 < s.size(); i += 2) {
        left = std::min(left, s[i]);
        right = std::max(right, s[i]);
      }
      const double middle = kMargin + kCell * (static_cast<double>(k) + 0.5);
      const double centre = 0.5 * (left + right);
      for (std::size_t i = 0; i + 3 < s.size(); i += 4)
        svg += format(
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#2b6cb0\" "
            "stroke-width=\"4\" stroke-linecap=\"round\" stroke-opacity=\"0.75\"/>\n",
            middle + (s[i] - centre) * scale, ground - s[i + 1] * scale,
            middle + (s[i + 2] - centre) * scale, ground - s[i + 3] * scale);
      svg += format(
          "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" fill=\"#4a5568\">step %d, x %.2f m"
          "</text>\n",
          middle, kTitle + kRow * static_cast<double>(row + 1) - 4.0, strips[row][k], centre);
    }
  }
  if (world) port.free_world(world);
  return svg + "</svg>\n";
}

}  // namespace spikelane
