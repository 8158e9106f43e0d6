// Pictures of a sensitivity tensor and a temporal filter, and of a curve over another's points.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/config/user_error.h"
#include "engine/report/safetensors.h"
#include "tests/scratch_folder.h"
#include "tests/skip.h"
#include "tools/plot.h"
#include "tools/plot_reference.h"
#include "tools/plot_tensors.h"

using namespace spikelane;
using nlohmann::json;
using test::read_file;
using test::ScratchFolder;
using test::write_file;

namespace {

json results_of_a_regression() {
  json results;
  results["seed"] = 1;
  results["config"]["dt_ms"] = 1.0;
  results["config"]["network"]["populations"] =
      json::array({{{"name", "hidden"}, {"alpha", 0.75}, {"resistance", 2.0}}});
  results["reports"] = json::array();
  for (int i = 1; i <= 5; ++i)
    results["reports"].push_back(
        {{"update", 20 * i}, {"regression_loss", 8000.0 / i}, {"train_loss", 2.3}});
  results["reports"].back()["test_accuracy"] = 0.1;  // once, so there is no diagram of it
  return results;
}

/// M = 0.5 W but for one entry, g = 0.1, 0.2, ...
std::string weight_file(std::int64_t n, std::int64_t n_filters) {
  std::vector<float> weights, M, g;
  for (std::int64_t i = 0; i < n * n; ++i) weights.push_back(0.25f * static_cast<float>(i % 9 - 4));
  for (std::int64_t f = 0; f < n_filters; ++f) {
    for (std::int64_t i = 0; i < n * n; ++i)
      M.push_back(0.5f * weights[static_cast<std::size_t>(i)]);
    for (std::int64_t i = 0; i < n; ++i) g.push_back(0.1f * static_cast<float>(i + 1));
  }
  std::vector<std::int64_t> tensor_shape{n, n}, filter_shape{n};
  if (n_filters > 1) {
    tensor_shape.insert(tensor_shape.begin(), n_filters);
    filter_shape.insert(filter_shape.begin(), n_filters);
  }
  return to_safetensors({make_tensor("hidden.hidden.weight", {n, n}, weights),
                         make_tensor("hidden.sensitivity", tensor_shape, M),
                         make_tensor("hidden.filter", filter_shape, g)},
                        {});
}

std::vector<Problem> problems_of(const ScratchFolder& folder, const std::string& reference = "") {
  try {
    plot_results(folder.path(), "", reference);
  } catch (const UserError& error) {
    return error.problems();
  }
  return {};
}

bool gnuplot_is_missing() {
  if (std::system("gnuplot --version > /dev/null 2>&1") == 0) return false;
  test::note_skip("no gnuplot (sudo apt-get install gnuplot-nox)");
  return true;
}

int count_of(const std::string& text, const std::string& part) {
  int n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("plot: learned tensors are read with what they are held against") {
  const ScratchFolder folder;
  const json results = results_of_a_regression();
  write_file(folder / "w", weight_file(5, 1));
  const auto one = read_learned_tensors(folder / "w", results);
  REQUIRE(one.size() == 1);
  CHECK(one[0].population == "hidden");
  CHECK(one[0].n == 5);
  CHECK(one[0].n_filters == 1);
  CHECK(one[0].weights.size() == 25);
  CHECK(one[0].sensitivity[2] == 0.5f * one[0].weights[2]);
  CHECK(one[0].filter[4] == doctest::Approx(0.5));
  CHECK(one[0].analytic_slope == doctest::Approx(0.5));  // (1 - 0.75) * 2
  json with_tau = results;
  with_tau["config"]["network"]["populations"][0] = {
      {"name", "hidden"}, {"tau_m_ms", 20.0}, {"resistance", 2.0}};
  CHECK(read_learned_tensors(folder / "w", with_tau)[0].analytic_slope ==
        doctest::Approx(2.0 * (1.0 - std::exp(-0.05))));
  CHECK(read_learned_tensors(folder / "w", json::object())[0].analytic_slope == 0.0);
  // the least-squares line is 0.5 where M is half the weight
  const std::string script = tensor_script(one[0], PictureFormat::kSvg);
  CHECK(script.find("least squares 0.5'") != std::string::npos);
  CHECK(script.find("analytic 0.5'") != std::string::npos);

  write_file(folder / "w", weight_file(3, 2));
  const auto two = read_learned_tensors(folder / "w", results);
  CHECK(two[0].n_filters == 2);
  CHECK(two[0].sensitivity.size() == 18);
  write_file(folder / "w", to_safetensors({}, {}));
  CHECK(read_learned_tensors(folder / "w", results).empty());
}

TEST_CASE("plot: pictures of tensors and of a curve over given points") {
  if (gnuplot_is_missing()) return;
  const ScratchFolder folder;
  write_file(folder / "results.json", results_of_a_regression().dump());
  write_file(folder / "points.csv", "step,of another program\n2,8360.5\n60,8000\n100, 7000\r\n");
  for (const auto& [n, n_filters] : {std::pair{5, 1}, std::pair{7, 2}, std::pair{900, 1}}) {
    CAPTURE(n);
    write_file(folder / "weights.safetensors", weight_file(n, n_filters));
    CHECK(plot_results(folder.path(), "", folder / "points.csv") == 0);
    const std::string picture = read_file(folder / "sensitivity.svg");
    CHECK(count_of(picture, ">temporal filter g") == n_filters);
    CHECK(count_of(picture, "<image") + count_of(picture, "<rect") +
              count_of(picture, "<polygon") >=
          n_filters);
    CHECK(picture.find("analytic 0.5") != std::string::npos);
    CHECK(read_file(folder / "sensitivity.png").size() > 1000);
    // a side of 900 neurons is drawn as 300 cells
    CHECK(picture.size() < 4'000'000);
  }
  const std::string curve = read_file(folder / "curve.svg");
  CHECK(curve.find("of another program") != std::string::npos);
  CHECK(curve.find("regression loss") != std::string::npos);
  CHECK(curve.find("accuracy (%)") == std::string::npos);
  CHECK(plot_results(folder.path(), folder / "a.svg") == 0);
  CHECK(read_file(folder / "a_sensitivity.svg").find("</svg>") != std::string::npos);
}

TEST_CASE("plot: wrong tensors and points are the user's error") {
  const ScratchFolder folder;
  write_file(folder / "results.json", results_of_a_regression().dump());
  const std::string weights = (folder / "weights.safetensors").string();
  const std::vector<float> six(6, 1.0f);
  const std::vector<std::int32_t> four(4, 1);
  const auto place = [&](const std::vector<Tensor>& tensors) {
    write_file(weights, to_safetensors(tensors, {}));
    const auto problems = problems_of(folder);
    return problems.size() == 1 ? problems[0].place : std::to_string(problems.size());
  };
  CHECK(place({make_tensor("h.sensitivity", {2, 3}, six)}) == weights + ": h.sensitivity");
  CHECK(place({make_tensor("h.sensitivity", {6}, six)}) == weights + ": h.sensitivity");
  CHECK(place({make_tensor("h.sensitivity", {2, 2}, four)}) == weights + ": h.sensitivity");
  CHECK(place({make_tensor("h.sensitivity", {2, 2}, six.data(), 4)}) == weights + ": h.filter");
  CHECK(place({make_tensor("h.sensitivity", {2, 2}, six.data(), 4),
               make_tensor("h.filter", {3}, six.data(), 3)}) == weights + ": h.filter");
  write_file(weights, "short");
  CHECK(problems_of(folder).size() == 1);

  write_file(weights, to_safetensors({}, {}));
  const std::string points = (folder / "points.csv").string();
  const auto place_of_points = [&](const std::string& text) {
    write_file(points, text);
    const auto problems = problems_of(folder, points);
    return problems.size() == 1 ? problems[0].place : std::to_string(problems.size());
  };
  CHECK(place_of_points("") == points);
  CHECK(place_of_points("a,b\n") == points);
  CHECK(place_of_points("a,b\n1,2\n3\n") == points + ": line 3");
  CHECK(place_of_points("1,2\n3,x\n") == points + ": line 2");
  CHECK(place_of_points("1,nan\n") == points + ": line 1");
  CHECK(place_of_points("a\n1,2\n") == points + ": line 1");
  const auto missing = problems_of(folder, (folder / "none.csv").string());
  REQUIRE(missing.size() == 1);
  CHECK(missing[0].place == "--reference");
}
