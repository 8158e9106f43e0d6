// Pictures drawn from results made here: valid files come out, names from outside stay text, and
// what is wrong is a UserError.
#include "tools/plot.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/config/user_error.h"
#include "engine/report/safetensors.h"
#include "tests/skip.h"
#include "tools/plot_gnuplot.h"

namespace fs = std::filesystem;
using nlohmann::json;
using spikelane::plot_results;
using spikelane::UserError;

namespace {

/// A folder that goes away with the test.
struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "spikelane_plot_XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

void write(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

json example_results(int n_reports, const std::string& population) {
  json results;
  results["seed"] = 12;
  results["config"]["task"]["kind"] = "randman";
  results["config"]["rule"]["kind"] = "es";
  results["config"]["network"]["populations"] = json::array({{{"name", population}}});
  results["reports"] = json::array();
  for (int i = 1; i <= n_reports; ++i)
    results["reports"].push_back({{"update", 20 * i},
                                  {"train_loss", 2.3 / i},
                                  {"test_loss", 2.4 / i},
                                  {"train_accuracy", 1.0 - 0.8 / i},
                                  {"test_accuracy", 1.0 - 0.9 / i},
                                  {"firing_rate", {{population, 0.02 * i}}}});
  results["final"] = results["reports"].back();
  return results;
}

bool is_svg(const std::string& text) {
  const auto end = text.rfind("</svg>");
  return text.rfind("<?xml", 0) == 0 && text.find("<svg") != std::string::npos &&
         end != std::string::npos && end + 8 >= text.size();
}

/// A PNG file from signature to IEND, of a sensible size.
bool is_png(const std::string& text) {
  if (text.size() < 100 || text.rfind("\x89PNG\r\n\x1a\n", 0) != 0) return false;
  const auto byte = [&](int i) {
    return static_cast<unsigned>(static_cast<unsigned char>(text[static_cast<std::size_t>(i)]));
  };
  const unsigned width = byte(18) << 8 | byte(19), height = byte(22) << 8 | byte(23);
  return width >= 400 && height >= 300 && text.find("IEND") == text.size() - 8;
}

bool gnuplot_is_missing() {
  if (std::system("gnuplot --version > /dev/null 2>&1") == 0) return false;
  spikelane::test::note_skip("no gnuplot (sudo apt-get install gnuplot-nox)");
  return true;
}

/// The places of the problems found; empty when nothing was thrown.
std::vector<std::string> places_of(const fs::path& dir, const fs::path& out = "",
                                   const fs::path& reference = "") {
  std::vector<std::string> places;
  try {
    plot_results(dir, out, reference);
  } catch (const UserError& error) {
    for (const auto& problem : error.problems()) places.push_back(problem.place);
  }
  return places;
}

}  // namespace

TEST_CASE("plot: a run gives a learning curve as SVG and PNG") {
  if (gnuplot_is_missing()) return;
  const Folder folder;
  write(folder.path / "results.json", example_results(30, "hidden").dump());
  CHECK(plot_results(folder.path, "") == 0);
  const std::string svg = read(folder.path / "curve.svg");
  CHECK(is_svg(svg));
  CHECK(is_png(read(folder.path / "curve.png")));
  for (const char* text : {"randman, es, seed 12: test accuracy 97.0 %", "loss", "accuracy (%)",
                           "hidden", "train", "test", "update"})
    CHECK_MESSAGE(svg.find(text) != std::string::npos, text);
  CHECK_FALSE(fs::exists(folder.path / "raster.svg"));
}

TEST_CASE("plot: several runs share a picture, each with its seed") {
  if (gnuplot_is_missing()) return;
  const Folder folder;
  std::vector<fs::path> dirs;
  for (const int seed : {4, 5}) {
    dirs.push_back(folder.path / std::to_string(seed));
    fs::create_directory(dirs.back());
    json results = example_results(6, "hidden");
    results["seed"] = seed;
    write(dirs.back() / "results.json", results.dump());
  }
  CHECK(spikelane::plot_runs(dirs, folder.path / "both.svg") == 0);
  const std::string picture = read(folder.path / "both.svg");
  CHECK(is_svg(picture));
  for (const char* text : {"test, seed 4", "test, seed 5", "hidden, seed 4", "hidden, seed 5"})
    CHECK(picture.find(text) != std::string::npos);
  CHECK(picture.find("train") == std::string::npos);
  CHECK_THROWS_AS(spikelane::plot_runs(dirs, {}), UserError);
  CHECK_THROWS_AS(spikelane::plot_runs({dirs[0], folder.path / "none"}, folder.path / "a.svg"),
                  UserError);
}

TEST_CASE("plot: one report is enough") {
  if (gnuplot_is_missing()) return;
  const Folder folder;
  write(folder.path / "results.json", example_results(1, "hidden").dump());
  CHECK(plot_results(folder.path, folder.path / "made" / "one.svg") == 0);
  CHECK(is_svg(read(folder.path / "made" / "one.svg")));
  CHECK_FALSE(fs::exists(folder.path / "curve.svg"));
}

TEST_CASE("plot: a record gives a raster of its first sample") {
  if (gnuplot_is_missing()) return;
  const Folder folder;
  write(folder.path / "results.json", example_results(3, "hidden").dump());
  // two samples of 5 steps: the first fires three times in hidden and never in output
  std::vector<std::uint8_t> hidden(2 * 5 * 4, 0), output(2 * 5 * 2, 0);
  hidden[1] = hidden[6] = hidden[19] = 1;
  for (std::size_t i = 20; i < 40; ++i) hidden[i] = 1;
  const std::vector<float> voltage(2 * 5 * 2, 0.5f);
  write(folder.path / "record.safetensors",
        spikelane::to_safetensors({spikelane::make_tensor("hidden.s", {2, 5, 4}, hidden),
                                   spikelane::make_tensor("output.s", {2, 5, 2}, output),
                                   spikelane::make_tensor("output.v", {2, 5, 2}, voltage)},
                                  {}));
  CHECK(plot_results(folder.path, "") == 0);
  const std::string svg = read(folder.path / "raster.svg");
  CHECK(is_svg(svg));
  CHECK(is_png(read(folder.path / "raster.png")));
  CHECK(svg.find("hidden (4)") != std::string::npos);
  CHECK(svg.find("output (2)") != std::string::npos);
  // only spikes are moved to a place; the definitions at the head are not
  int n_points = 0;
  for (auto at = svg.find("<use "); at != std::string::npos; at = svg.find("<use ", at + 1))
    n_points += svg.substr(at, svg.find('>', at) - at).find("translate(") != std::string::npos;
  CHECK(n_points == 3);

  CHECK(plot_results(folder.path, folder.path / "a.png") == 0);
  CHECK(is_png(read(folder.path / "a_raster.png")));
}

TEST_CASE("plot: names from a file stay text") {
  if (gnuplot_is_missing()) return;
  const Folder folder;
  const std::string victim = (folder.path / "victim").string();
  const std::string name =
      "a' ; system('touch " + victim + "'); `touch " + victim + "`\n$x <<& _{b}";
  write(folder.path / "results.json", example_results(4, name).dump());
  const fs::path out = folder.path / ("|touch 'victim' $(touch " + std::string("victim)") + ".svg");
  CHECK(plot_results(folder.path, out) == 0);
  CHECK(is_svg(read(out)));
  CHECK_FALSE(fs::exists(victim));
  CHECK_FALSE(fs::exists("victim"));
  CHECK(spikelane::gnuplot_quoted("it's\n") == "'it''s\\x0a'");
}

TEST_CASE("plot: a missing gnuplot is named with its package") {
  const Folder folder;
  write(folder.path / "results.json", example_results(4, "hidden").dump());
  const char* path = std::getenv("PATH");
  const std::string saved = path ? path : "";
  setenv("PATH", folder.path.c_str(), 1);
  std::string message;
  try {
    plot_results(folder.path, "");
  } catch (const UserError& error) {
    message = error.what();
  }
  setenv("PATH", saved.c_str(), 1);
  CHECK(message.find("gnuplot-nox") != std::string::npos);
  CHECK_FALSE(fs::exists(folder.path / "curve.svg"));
}

TEST_CASE("plot: results that are no results are the user's error") {
  const Folder folder;
  const fs::path file = folder.path / "results.json";
  const std::string name = file.string();
  CHECK(places_of(folder.path) == std::vector<std::string>{name});
  CHECK(places_of(folder.path / "none") ==
        std::vector<std::string>{(folder.path / "none" / "results.json").string()});
  for (const char* text : {"", "{", "[]", "7", "\"x\"", "{\"reports\": [}"}) {
    INFO(text);
    write(file, text);
    CHECK(places_of(folder.path).size() == 1);
  }
  for (const char* text : {"{}", "{\"reports\": 3}", "{\"reports\": []}", "{\"reports\": {}}",
                           "{\"reports\": [{\"update\": 1}]}"}) {
    INFO(text);
    write(file, text);
    CHECK(places_of(folder.path) == std::vector<std::string>{name + ": reports"});
  }
  write(file, R"({"reports": [3, {"train_loss": 1}, {"update": "x"}, {"update": 1, "test_loss": []},
                  {"update": 2, "firing_rate": {"h": "y"}}, {"update": 3, "firing_rate": 1}]})");
  CHECK(places_of(folder.path) ==
        std::vector<std::string>{"reports.0", "reports.1.update", "reports.2.update",
                                 "reports.3.test_loss", "reports.4.firing_rate.h",
                                 "reports.5.firing_rate"});
}

TEST_CASE("plot: wrong outputs and records are the user's error") {
  const Folder folder;
  write(folder.path / "results.json", example_results(4, "hidden").dump());
  CHECK(places_of(folder.path, folder.path / "picture.jpg") == std::vector<std::string>{"--out"});
  CHECK(places_of(folder.path, folder.path / "picture") == std::vector<std::string>{"--out"});
  CHECK(places_of(folder.path, folder.path / "results.json" / "a.svg") ==
        std::vector<std::string>{"--out"});

  const std::string record = (folder.path / "record.safetensors").string();
  write(record, "short");
  CHECK(places_of(folder.path).size() == 1);
  const std::vector<float> voltage(8, 0.5f);
  write(record,
        spikelane::to_safetensors({spikelane::make_tensor("hidden.s", {1, 2, 4}, voltage)}, {}));
  CHECK(places_of(folder.path) == std::vector<std::string>{record + ": hidden.s"});
  const std::vector<std::uint8_t> flat(8, 1);
  write(record, spikelane::to_safetensors({spikelane::make_tensor("hidden.s", {2, 4}, flat)}, {}));
  CHECK(places_of(folder.path) == std::vector<std::string>{record + ": hidden.s"});
}
