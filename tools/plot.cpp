#include "tools/plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/config/json_text.h"
#include "engine/config/problems.h"
#include "engine/config/user_error.h"
#include "engine/report/atomic_file.h"
#include "engine/report/safetensors.h"
#include "tools/plot_gnuplot.h"
#include "tools/plot_reference.h"
#include "tools/plot_tensors.h"

namespace spikelane {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

struct Series {
  std::string title;
  std::vector<std::pair<double, double>> points;
  bool is_reference = false;  // points of another program, not joined
};

/// One diagram over the updates.
struct Panel {
  std::string y_label;
  std::vector<Series> series;
};

/// The keys of a report that share a diagram, and what its values are multiplied by.
struct PanelKeys {
  const char* y_label;
  std::vector<std::pair<const char*, const char*>> keys;  // key of a report, title
  double scale;
};

constexpr const char* kRegressionLoss = "regression loss";

const std::vector<PanelKeys>& panel_table() {
  static const std::vector<PanelKeys> table = {
      {"loss", {{"train_loss", "train"}, {"test_loss", "test"}}, 1.0},
      {"accuracy (%)", {{"train_accuracy", "train"}, {"test_accuracy", "test"}}, 100.0},
      {"return", {{"train_return", "train"}, {"mean_return", "test"}}, 1.0},
      {kRegressionLoss, {{"regression_loss", "train"}}, 1.0},
  };
  return table;
}

constexpr const char* kColours[] = {"#2b6cb0", "#dd6b20", "#2f855a", "#97266d",
                                    "#b7791f", "#4a5568", "#c53030", "#0987a0"};
constexpr std::size_t kNColours = std::size(kColours);
constexpr const char* kReferenceColour = "#a0aec0";
constexpr std::size_t kMaxRasterSpikes = 100000;  // beyond it a picture is a black square

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

json read_results(const fs::path& file) {
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored))
    throw UserError(file.string(), "no such file", "the results of a run (spikelane train --out)");
  std::ifstream in(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in) throw UserError(file.string(), "cannot be read", "a readable file");
  Problems problems;
  json results = parse_json(text, file.string(), problems);
  problems.throw_if_any();
  if (!results.is_object())
    throw UserError(file.string(), value_text(results), "an object, as spikelane writes it");
  return results;
}

/// A finite number under `key`, nothing where the key is left out or null; other types are
/// reported.
std::optional<double> number_at(const json& object, const std::string& key,
                                const std::string& place, Problems& problems) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return std::nullopt;
  if (!found->is_number()) {
    problems.add(place + "." + key, value_text(*found), "a number");
    return std::nullopt;
  }
  const double value = found->get<double>();
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::vector<Panel> read_panels(const json& results, const std::string& file) {
  const auto reports = results.find("reports");
  if (reports == results.end() || !reports->is_array() || reports->empty())
    throw UserError(file + ": reports", reports == results.end() ? "nothing" : value_text(*reports),
                    "an array with at least one report");
  Problems problems;
  std::vector<Panel> panels;
  for (const PanelKeys& keys : panel_table()) {
    panels.push_back({keys.y_label, {}});
    for (const auto& key : keys.keys) panels.back().series.push_back({key.second, {}});
  }
  std::map<std::string, Series> rates;  // by population

  for (std::size_t i = 0; i < reports->size(); ++i) {
    const json& report = (*reports)[i];
    const std::string place = "reports." + std::to_string(i);
    if (!report.is_object()) {
      problems.add(place, value_text(report), "an object");
      continue;
    }
    const std::optional<double> update = number_at(report, "update", place, problems);
    if (!update) {
      if (!problems.has_at(place + ".update"))
        problems.add(place + ".update", "nothing", "the number of the update");
      continue;
    }
    for (std::size_t p = 0; p < panel_table().size(); ++p)
      for (std::size_t k = 0; k < panels[p].series.size(); ++k)
        if (const auto value = number_at(report, panel_table()[p].keys[k].first, place, problems))
          panels[p].series[k].points.emplace_back(*update, *value * panel_table()[p].scale);
    const auto firing = report.find("firing_rate");
    if (firing == report.end()) continue;
    if (!firing->is_object()) {
      problems.add(place + ".firing_rate", value_text(*firing), "an object");
      continue;
    }
    for (const auto& [population, ignored] : firing->items()) {
      Series& series = rates[population];
      series.title = population;
      if (const auto value = number_at(*firing, population, place + ".firing_rate", problems))
        series.points.emplace_back(*update, *value);
    }
  }
  problems.throw_if_any();

  panels.push_back({"spikes per neuron and step", {}});
  for (auto& [population, series] : rates) panels.back().series.push_back(std::move(series));
  for (Panel& panel : panels)
    std::erase_if(panel.series, [](const Series& series) { return series.points.empty(); });
  std::erase_if(panels, [](const Panel& panel) { return panel.series.empty(); });
  // a single test at the end is no curve beside others that are
  const auto is_curve = [](const Panel& panel) {
    return std::any_of(panel.series.begin(), panel.series.end(),
                       [](const Series& series) { return series.points.size() > 1; });
  };
  if (std::any_of(panels.begin(), panels.end(), is_curve))
    std::erase_if(panels, [&](const Panel& panel) { return !is_curve(panel); });
  if (panels.empty())
    throw UserError(file + ": reports", "no loss, accuracy, return or firing rate",
                    "reports as spikelane writes them");
  return panels;
}

/// "randman, es, seed 12: test accuracy 94.4 %", as far as the results say it.
std::string curve_title(const json& results) {
  const auto text_at = [&](const char* pointer) -> std::string {
    const json::json_pointer at(pointer);
    if (!results.contains(at)) return "";
    const json& value = results.at(at);
    return value.is_string() ? value.get<std::string>() : value.is_number() ? value.dump() : "";
  };
  std::string title = text_at("/config/task/kind");
  if (const std::string rule = text_at("/config/rule/kind"); !rule.empty())
    title += (title.empty() ? "" : ", ") + rule;
  if (const std::string seed = text_at("/seed"); !seed.empty())
    title += (title.empty() ? "seed " : ", seed ") + seed;
  const json::json_pointer accuracy("/final/test_accuracy");
  if (results.contains(accuracy) && results.at(accuracy).is_number()) {
    char text[48];
    std::snprintf(text, sizeof text, "test accuracy %.1f %%",
                  100.0 * results.at(accuracy).get<double>());
    title += (title.empty() ? "" : ": ") + std::string(text);
  }
  const json::json_pointer mean_return("/final/mean_return");
  if (results.contains(mean_return) && results.at(mean_return).is_number()) {
    char text[48];
    std::snprintf(text, sizeof text, "mean return %.4g", results.at(mean_return).get<double>());
    title += (title.empty() ? "" : ": ") + std::string(text);
  }
  return title.empty() ? "learning curve" : title;
}

void append_data(std::string& script, const std::string& name,
                 const std::vector<std::pair<double, double>>& points) {
  script += "$" + name + " << END_OF_DATA\n";
  for (const auto& [x, y] : points) script += number(x) + " " + number(y) + "\n";
  script += "END_OF_DATA\n";
}

std::string curve_script(const std::vector<Panel>& panels, const std::string& title,
                         PictureFormat format) {
  const int n_panels = static_cast<int>(panels.size());
  std::string script = terminal_line(format, 900, 60 + 260 * n_panels);
  double first = panels[0].series[0].points[0].first, last = first;
  for (std::size_t p = 0; p < panels.size(); ++p)
    for (std::size_t k = 0; k < panels[p].series.size(); ++k) {
      const auto& points = panels[p].series[k].points;
      append_data(script, "data_" + std::to_string(p) + "_" + std::to_string(k), points);
      for (const auto& point : points) {
        first = std::min(first, point.first);
        last = std::max(last, point.first);
      }
    }
  // a range of no width would be an error; one report still gets its picture
  if (first == last) {
    first -= 1.0;
    last += 1.0;
  }
  script += "set xrange [" + number(first) + ":" + number(last) + "]\n";
  script += "set grid lc rgb '#e2e8f0' lt 1\nset border 3\nset tics nomirror\n";
  script += "set key outside right top\nset lmargin 11\nset rmargin 16\n";
  script += "set multiplot layout " + std::to_string(n_panels) + ",1 title " +
            gnuplot_quoted(title) + "\n";
  for (std::size_t p = 0; p < panels.size(); ++p) {
    script += "set ylabel " + gnuplot_quoted(panels[p].y_label) + "\n";
    if (p + 1 == panels.size()) script += "set xlabel 'update'\n";
    script += "plot ";
    for (std::size_t k = 0; k < panels[p].series.size(); ++k) {
      const Series& series = panels[p].series[k];
      script += (k > 0 ? ", " : "") + std::string("$data_") + std::to_string(p) + "_" +
                std::to_string(k) + " using 1:2 title " + gnuplot_quoted(series.title) +
                (series.is_reference          ? " with points pt 7 ps 0.35"
                 : series.points.size() <= 60 ? " with linespoints pt 7 ps 0.4 lw 1.6"
                                              : " with lines lw 1.6") +
                " lc rgb '" + (series.is_reference ? kReferenceColour : kColours[k % kNColours]) +
                "'";
    }
    script += "\n";
  }
  return script + "unset multiplot\n";
}

/// Spikes of one recorded population in the first sample.
struct Raster {
  std::string population;
  std::int64_t n_neurons = 0, n_steps = 0;
  std::vector<std::pair<double, double>> spikes;  // step, neuron
};

std::vector<Raster> read_rasters(const fs::path& file, const json& results) {
  const SafetensorsHeader header = read_safetensors_header(file);
  std::vector<Raster> rasters;
  for (const TensorInfo& info : header.tensors) {
    if (info.name.size() <= 2 || !info.name.ends_with(".s")) continue;
    if (info.dtype != "U8" || info.shape.size() != 3 || info.shape[0] < 1)
      throw UserError(file.string() + ": " + printable(info.name),
                      info.dtype + " " + shape_text(info.shape),
                      "U8 (B, T, n) with at least one sample");
    Raster raster{info.name.substr(0, info.name.size() - 2), info.shape[2], info.shape[1], {}};
    const Tensor tensor = read_tensor(file, header, info);
    for (std::int64_t t = 0; t < raster.n_steps; ++t)
      for (std::int64_t i = 0; i < raster.n_neurons; ++i)
        if (tensor.bytes[static_cast<std::size_t>(t * raster.n_neurons + i)] != std::byte{0})
          raster.spikes.emplace_back(static_cast<double>(t), static_cast<double>(i));
    if (raster.n_steps > 0 && raster.n_neurons > 0) rasters.push_back(std::move(raster));
  }

  // the input first, then the network's order, then whatever it does not name
  std::vector<std::string> order{"input"};
  const json::json_pointer populations("/config/network/populations");
  if (results.contains(populations) && results.at(populations).is_array())
    for (const json& population : results.at(populations))
      if (population.is_object() && population.contains("name") && population["name"].is_string())
        order.push_back(population["name"].get<std::string>());
  const auto place = [&](const Raster& raster) {
    return std::find(order.begin(), order.end(), raster.population) - order.begin();
  };
  std::stable_sort(rasters.begin(), rasters.end(),
                   [&](const Raster& a, const Raster& b) { return place(a) < place(b); });
  return rasters;
}

std::string raster_script(const std::vector<Raster>& rasters, PictureFormat format) {
  std::int64_t n_rows = 0, n_steps = 0;
  std::size_t n_spikes = 0;
  for (const Raster& raster : rasters) {
    n_rows += raster.n_neurons;
    n_steps = std::max(n_steps, raster.n_steps);
    n_spikes += raster.spikes.size();
  }
  const std::size_t stride = (n_spikes + kMaxRasterSpikes - 1) / kMaxRasterSpikes;
  const double gap = std::max(1.0, 0.03 * static_cast<double>(n_rows));

  std::string script = terminal_line(format, 900, n_rows > 150 ? 800 : 500);
  std::string ticks, lines, plots;
  double bottom = 0.0;
  std::size_t i_spike = 0;
  for (std::size_t r = 0; r < rasters.size(); ++r) {
    const Raster& raster = rasters[r];
    std::vector<std::pair<double, double>> points;
    for (const auto& [step, neuron] : raster.spikes)
      if (i_spike++ % std::max<std::size_t>(stride, 1) == 0)
        points.emplace_back(step, bottom + neuron);
    const double height = static_cast<double>(raster.n_neurons);
    ticks += (r > 0 ? ", " : "") +
             gnuplot_quoted(raster.population + " (" + std::to_string(raster.n_neurons) + ")") +
             " " + number(bottom + 0.5 * (height - 1.0));
    if (r > 0)
      lines += "set arrow from graph 0, first " + number(bottom - 0.5 * gap - 0.5) +
               " to graph 1, first " + number(bottom - 0.5 * gap - 0.5) +
               " nohead lc rgb '#cbd5e0'\n";
    // a silent population keeps its band; a data block without a line would be an error
    if (points.empty()) points.emplace_back(-1e9, 0.0);
    append_data(script, "data_" + std::to_string(r), points);
    plots += (r > 0 ? ", " : "") + std::string("$data_") + std::to_string(r) +
             " using 1:2 notitle with points pt 7 ps " + (n_rows > 150 ? "0.15" : "0.35") +
             " lc rgb '" + kColours[r % kNColours] + "'";
    bottom += height + gap;
  }
  std::string title = "spikes of the first recorded sample";
  if (stride > 1) title += " (one of " + std::to_string(stride) + " shown)";
  script += "set title " + gnuplot_quoted(title) + "\nset xlabel 'step'\nset border 3\n";
  script += "set tics nomirror\nset ytics (" + ticks + ")\n" + lines;
  script += "set xrange [-0.5:" + number(static_cast<double>(n_steps) - 0.5) + "]\n";
  script += "set yrange [-1:" + number(bottom - gap) + "]\n";
  return script + "plot " + plots + "\n";
}

// beneath the run's own curve: its regression loss where it has one, else its first diagram
void add_reference(std::vector<Panel>& panels, const fs::path& file) {
  ReferenceCurve curve = read_reference_curve(file);
  const auto found = std::find_if(panels.begin(), panels.end(), [](const Panel& panel) {
    return panel.y_label == kRegressionLoss;
  });
  Panel& panel = found == panels.end() ? panels.front() : *found;
  panel.series.insert(panel.series.begin(), {curve.title, std::move(curve.points), true});
}

using Script = std::function<std::string(PictureFormat)>;

/// From the file's extension; its folder is made.
PictureFormat prepare_output(const fs::path& out) {
  if (out.extension() != ".svg" && out.extension() != ".png")
    throw UserError("--out", in_quotes(out.string()), "a file name that ends in .svg or .png");
  make_output_folder(out.has_parent_path() ? out.parent_path() : fs::path("."));
  return out.extension() == ".svg" ? PictureFormat::kSvg : PictureFormat::kPng;
}

/// The panels of one run into those of all: what was tested, or else trained.
void add_run(std::vector<Panel>& all, std::vector<Panel> panels, const std::string& name) {
  for (Panel& panel : panels) {
    if (panel.series.back().title == "test")
      panel.series.erase(panel.series.begin(), panel.series.end() - 1);
    auto found = std::find_if(all.begin(), all.end(),
                              [&](const Panel& other) { return other.y_label == panel.y_label; });
    if (found == all.end()) found = all.insert(all.end(), {panel.y_label, {}});
    for (Series& series : panel.series) {
      series.title += ", " + name;
      found->series.push_back(std::move(series));
    }
  }
}

void write_picture(const fs::path& file, PictureFormat format, const Script& script) {
  write_file_atomically(file, run_gnuplot(script(format), format));
  std::printf("%s\n", file.string().c_str());
}

}  // namespace

int plot_results(const fs::path& dir, const fs::path& out, const fs::path& reference) {
  const fs::path results_file = dir / "results.json";
  const json results = read_results(results_file);
  std::vector<Panel> panels = read_panels(results, results_file.string());
  if (!reference.empty()) add_reference(panels, reference);
  std::vector<std::pair<std::string, Script>> pictures;  // name, what draws it
  pictures.emplace_back(
      "curve", [&](PictureFormat f) { return curve_script(panels, curve_title(results), f); });
  std::error_code ignored;
  std::vector<Raster> rasters;
  if (fs::exists(dir / "record.safetensors", ignored))
    rasters = read_rasters(dir / "record.safetensors", results);
  if (!rasters.empty())
    pictures.emplace_back("raster", [&](PictureFormat f) { return raster_script(rasters, f); });
  std::vector<LearnedTensors> learned;
  if (fs::exists(dir / "weights.safetensors", ignored))
    learned = read_learned_tensors(dir / "weights.safetensors", results);
  for (std::size_t i = 0; i < learned.size(); ++i)
    pictures.emplace_back(i == 0 ? "sensitivity" : "sensitivity_" + std::to_string(i + 1),
                          [&, i](PictureFormat f) { return tensor_script(learned[i], f); });

  if (out.empty()) {
    for (const auto& [name, script] : pictures) {
      write_picture(dir / (name + ".svg"), PictureFormat::kSvg, script);
      write_picture(dir / (name + ".png"), PictureFormat::kPng, script);
    }
    return 0;
  }
  const PictureFormat format = prepare_output(out);
  for (const auto& [name, script] : pictures)
    write_picture(name == "curve" ? out
                                  : out.parent_path() / (out.stem().string() + "_" + name +
                                                         out.extension().string()),
                  format, script);
  return 0;
}

int plot_runs(const std::vector<fs::path>& dirs, const fs::path& out) {
  if (out.empty())
    throw UserError("--out", "nothing", "the picture's file where several runs are drawn");
  const PictureFormat format = prepare_output(out);
  std::vector<Panel> panels;
  json first;
  for (const fs::path& dir : dirs) {
    const fs::path file = dir / "results.json";
    json results = read_results(file);
    const json::json_pointer seed("/seed");
    const bool has_seed = results.contains(seed) && results.at(seed).is_number_integer();
    add_run(panels, read_panels(results, file.string()),
            has_seed ? "seed " + results.at(seed).dump() : dir.filename().string());
    if (first.is_null()) first = std::move(results);
  }
  // the title is what the runs have in common
  first.erase("seed");
  first.erase("final");
  write_picture(out, format,
                [&](PictureFormat f) { return curve_script(panels, curve_title(first), f); });
  return 0;
}

}  // namespace spikelane
