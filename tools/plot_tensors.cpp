#include "tools/plot_tensors.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "engine/config/problems.h"
#include "engine/config/user_error.h"
#include "engine/report/safetensors.h"

namespace spikelane {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr std::int64_t kMostCells = 400;           // of a side of the picture of M
constexpr std::size_t kMostScatterPoints = 20000;  // of M over the weights

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

bool is_float(const TensorInfo& info) { return info.dtype == "F32"; }

/// One number that `key` of the population says for all its neurons; NaN where there is none.
double common_value(const json& results, const std::string& population, const char* key) {
  const json::json_pointer place("/config/network/populations");
  if (!results.contains(place) || !results.at(place).is_array()) return std::nan("");
  for (const json& entry : results.at(place))
    if (entry.is_object() && entry.value("name", json()) == population && entry.contains(key) &&
        entry.at(key).is_number())
      return entry.at(key).get<double>();
  return std::nan("");
}

double analytic_slope(const json& results, const std::string& population) {
  double alpha = common_value(results, population, "alpha");
  const double tau_m_ms = common_value(results, population, "tau_m_ms");
  const json::json_pointer dt("/config/dt_ms");
  if (std::isnan(alpha) && !std::isnan(tau_m_ms) && results.contains(dt) &&
      results.at(dt).is_number())
    alpha = std::exp(-results.at(dt).get<double>() / tau_m_ms);
  const double slope = (1.0 - alpha) * common_value(results, population, "resistance");
  return std::isfinite(slope) ? slope : 0.0;
}

/// The value below which 99 % of the magnitudes are; 1 where all are zero.
double range_of(std::vector<double> values) {
  for (double& value : values) value = std::isfinite(value) ? std::abs(value) : 0.0;
  const auto at =
      values.begin() + static_cast<std::ptrdiff_t>(0.99 * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  const double largest = *std::max_element(values.begin(), values.end());
  return *at > 0.0 ? *at : largest > 0.0 ? largest : 1.0;
}

struct Cells {
  std::int64_t n = 0;
  std::vector<double> values;  // (n, n)
};

// means of blocks where there are too many neurons
Cells cells_of(const float* M, std::int64_t n) {
  const std::int64_t block = (n + kMostCells - 1) / kMostCells;
  Cells cells{(n + block - 1) / block, {}};
  for (std::int64_t row = 0; row < cells.n; ++row)
    for (std::int64_t column = 0; column < cells.n; ++column) {
      double sum = 0.0;
      int count = 0;
      for (std::int64_t j = row * block; j < std::min(n, (row + 1) * block); ++j)
        for (std::int64_t i = column * block; i < std::min(n, (column + 1) * block); ++i, ++count)
          sum += static_cast<double>(M[j * n + i]);
      cells.values.push_back(sum / count);
    }
  return cells;
}

std::string heat_map(const Cells& cells, std::int64_t n, const std::string& block,
                     std::string& script) {
  script += "$" + block + " << END_OF_DATA\n";
  for (std::int64_t row = 0; row < cells.n; ++row) {
    for (std::int64_t column = 0; column < cells.n; ++column)
      script += number(cells.values[static_cast<std::size_t>(row * cells.n + column)]) + " ";
    script += "\n";
  }
  script += "END_OF_DATA\n";
  const double scale = static_cast<double>(n) / static_cast<double>(cells.n);
  const std::string range = number(range_of(cells.values)), side = number(n - 0.5);
  return "set xlabel 'target neuron'\nset ylabel 'source neuron'\nset cbrange [-" + range + ":" +
         range + "]\nset xrange [-0.5:" + side + "]\nset yrange [" + side + ":-0.5]\n" + "plot $" +
         block + " matrix using (($1+0.5)*" + number(scale) + "-0.5):(($2+0.5)*" + number(scale) +
         "-0.5):3 notitle with image\n";
}

std::string points(const std::vector<std::pair<double, double>>& values, const std::string& block,
                   std::string& script) {
  script += "$" + block + " << END_OF_DATA\n";
  for (const auto& [x, y] : values) script += number(x) + " " + number(y) + "\n";
  script += "END_OF_DATA\n";
  return "$" + block + " using 1:2 notitle with points pt 7 ps 0.3 lc rgb '#2b6cb0'";
}

std::string filter_plot(const LearnedTensors& learned, std::int64_t f, std::string& script) {
  std::vector<std::pair<double, double>> values;
  for (std::int64_t i = 0; i < learned.n; ++i)
    values.emplace_back(i, learned.filter[static_cast<std::size_t>(f * learned.n + i)]);
  const std::string drawn = points(values, "filter_" + std::to_string(f), script);
  return "set xlabel 'neuron'\nset ylabel 'g (1/steps)'\nset xrange [-0.5:" +
         number(static_cast<double>(learned.n) - 0.5) + "]\nset autoscale y\nplot " + drawn + "\n";
}

std::string scatter_plot(const LearnedTensors& learned, std::string& script) {
  const std::size_t n = learned.weights.size();
  const std::size_t stride = std::max<std::size_t>(1, n / kMostScatterPoints);
  std::vector<std::pair<double, double>> values;
  double xy = 0.0, xx = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = static_cast<double>(learned.weights[i]);
    const double y = static_cast<double>(learned.sensitivity[i]);
    xy += x * y;
    xx += x * x;
    if (i % stride == 0) values.emplace_back(x, y);
  }
  const std::string drawn = points(values, "scatter", script);
  std::string plot =
      "set xlabel 'recurrent weight'\nset ylabel 'M'\nset autoscale xy\nplot " + drawn;
  if (xx > 0.0)
    plot += ", " + number(xy / xx) + "*x title 'least squares " + number(xy / xx) +
            "' with lines lw 1.5 lc rgb '#dd6b20'";
  if (learned.analytic_slope != 0.0)
    plot += ", " + number(learned.analytic_slope) + "*x title 'analytic " +
            number(learned.analytic_slope) + "' with lines lw 1.5 dt 2 lc rgb '#2f855a'";
  return plot + "\n";
}

}  // namespace

std::vector<LearnedTensors> read_learned_tensors(const fs::path& file, const json& results) {
  const SafetensorsHeader header = read_safetensors_header(file);
  const std::string ending = ".sensitivity";
  std::vector<LearnedTensors> all;
  Problems problems;
  for (const TensorInfo& info : header.tensors) {
    if (info.name.size() <= ending.size() || !info.name.ends_with(ending)) continue;
    LearnedTensors learned;
    learned.population = info.name.substr(0, info.name.size() - ending.size());
    const std::size_t n_axes = info.shape.size();
    const bool is_right = is_float(info) && (n_axes == 2 || n_axes == 3) &&
                          info.shape[n_axes - 1] == info.shape[n_axes - 2] &&
                          info.shape[n_axes - 1] > 0 && info.shape[0] > 0;
    if (!is_right) {
      problems.add(file.string() + ": " + printable(info.name),
                   info.dtype + " " + shape_text(info.shape), "F32 (N, N) or (F, N, N)");
      continue;
    }
    learned.n = info.shape[n_axes - 1];
    learned.n_filters = n_axes == 3 ? info.shape[0] : 1;
    const std::string filter_name = learned.population + ".filter";
    const TensorInfo* filter = find_tensor(header, filter_name);
    std::vector<std::int64_t> wanted{learned.n};
    if (n_axes == 3) wanted.insert(wanted.begin(), learned.n_filters);
    if (filter == nullptr || !is_float(*filter) || filter->shape != wanted) {
      problems.add(file.string() + ": " + printable(filter_name),
                   filter ? filter->dtype + " " + shape_text(filter->shape) : "nothing",
                   "F32 " + shape_text(wanted) + " beside the sensitivity tensor");
      continue;
    }
    learned.sensitivity = values_of<float>(read_tensor(file, header, info));
    learned.filter = values_of<float>(read_tensor(file, header, *filter));
    const TensorInfo* weights =
        find_tensor(header, learned.population + "." + learned.population + ".weight");
    if (weights && is_float(*weights) &&
        weights->shape == std::vector<std::int64_t>{learned.n, learned.n})
      learned.weights = values_of<float>(read_tensor(file, header, *weights));
    learned.analytic_slope = analytic_slope(results, learned.population);
    all.push_back(std::move(learned));
  }
  problems.throw_if_any();
  return all;
}

std::string tensor_script(const LearnedTensors& learned, PictureFormat format) {
  const bool has_scatter = !learned.weights.empty();
  const int n_columns = has_scatter ? 3 : 2;
  const int n_rows = static_cast<int>(learned.n_filters);
  std::string script = terminal_line(format, 420 * n_columns, 60 + 360 * n_rows);
  script += "set palette defined (-1 '#2b6cb0', 0 '#ffffff', 1 '#c53030')\n";
  script += "set grid lc rgb '#e2e8f0' lt 1\nset border 3\nset tics nomirror\n";
  script += "set key top left reverse Left samplen 2\n";
  std::string plots;
  for (std::int64_t f = 0; f < learned.n_filters; ++f) {
    const std::string of_filter =
        learned.n_filters > 1 ? " of filter " + std::to_string(f) : std::string();
    plots += "set title " + gnuplot_quoted("M" + of_filter + ", " + learned.population) + "\n";
    plots += heat_map(cells_of(learned.sensitivity.data() + f * learned.n * learned.n, learned.n),
                      learned.n, "tensor_" + std::to_string(f), script);
    plots += "set title " + gnuplot_quoted("temporal filter g" + of_filter) + "\n";
    plots += filter_plot(learned, f, script);
    if (!has_scatter) continue;
    // the slow filter's M is not made of recurrent weights
    plots += f == 0 ? "set title 'M over the recurrent weight'\n" + scatter_plot(learned, script)
                    : std::string("set multiplot next\n");
  }
  return script + "set multiplot layout " + std::to_string(n_rows) + "," +
         std::to_string(n_columns) + "\n" + plots + "unset multiplot\n";
}

}  // namespace spikelane
