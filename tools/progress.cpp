#include "tools/progress.h"

#include <unistd.h>

#include <cmath>

#include "engine/report/results_json.h"
#include "tools/mpi_ranks.h"

namespace spikelane {
namespace {

bool is_terminal() { return ::isatty(STDOUT_FILENO) == 1 && !is_launched(); }

template <class... Values>
std::string format(const char* pattern, Values... values) {
  char text[200];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

// a spike in 100,000 steps is no activity that anything could be learned from
bool is_silent(double rate) { return rate < 1e-5; }
bool is_saturated(double rate) { return rate > 0.5; }

std::string firing_warning(const std::string& population, double rate) {
  return "warning: population \"" + population + "\" is " +
         (is_silent(rate) ? "silent" : "saturated") +
         format(": %.3g spikes per neuron and step\n", rate);
}

}  // namespace

std::FILE* text_stream() { return is_terminal() ? stdout : stderr; }

void say(std::FILE* stream, const std::string& text) {
  std::fputs(text.c_str(), stream);
  std::fflush(stream);
  // a later write may succeed again
  std::clearerr(stream);
}

std::string duration_text(double seconds) {
  if (seconds < 60.0) return format("%.1f s", seconds);
  const auto whole = static_cast<long>(std::lround(seconds));
  if (whole < 3600) return format("%ld min %02ld s", whole / 60, whole % 60);
  return format("%ld h %02ld min", whole / 3600, whole / 60 % 60);
}

std::string rate_text(double per_second) {
  if (per_second >= 1e9) return format("%.2f G", per_second / 1e9);
  if (per_second >= 1e6) return format("%.2f M", per_second / 1e6);
  if (per_second >= 1e3) return format("%.2f k", per_second / 1e3);
  return format("%.2f ", per_second);
}

Progress::Progress(int n_updates)
    : n_updates_(n_updates), is_terminal_(is_terminal()), shown_(start_) {}

void Progress::on_update(int n_done) {
  const auto now = Clock::now();
  // ten times a second is as often as anybody can read
  const bool is_due = now - shown_ >= std::chrono::milliseconds(100) || n_done == n_updates_;
  if (!is_terminal_ || !is_due) return;
  shown_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = n_done / std::max(seconds, 1e-9);
  std::string line = format("update %d/%d  %.1f/s", n_done, n_updates_, rate) + scores_ + "  " +
                     duration_text((n_updates_ - n_done) / rate) + " left";
  say(stdout, "\r\x1b[K" + line);
  has_line_ = true;
}

void Progress::on_report(const RunResult& result) {
  for (; n_printed_ < result.reports.size(); ++n_printed_) {
    const Report& report = result.reports[n_printed_];
    if (!is_terminal_) say(stdout, report_to_json_line(report));
    for (const auto& [population, rate] : report.firing_rate) {
      const bool is_odd = is_silent(rate) || is_saturated(rate);
      if (is_odd && !is_odd_[population]) {
        if (has_line_) say(stdout, "\n");
        has_line_ = false;
        say(stderr, format("update %d: ", report.update) + firing_warning(population, rate));
      }
      is_odd_[population] = is_odd;
    }
  }
  // a report without a test leaves the accuracy of the one before
  std::string loss, regression, accuracy;
  for (const Report& report : result.reports) {
    if (report.regression_loss) regression = format("  regression %.4g", *report.regression_loss);
    if (report.train_loss) loss = format("  loss %.4g", *report.train_loss);
    if (report.train_return) loss = format("  return %.4g", *report.train_return);
    if (report.mean_return) accuracy = format("  test return %.4g", *report.mean_return);
    if (report.test_accuracy) accuracy = format("  test %.1f %%", 100.0 * *report.test_accuracy);
  }
  scores_ = loss + regression + accuracy;
}

void Progress::end() {
  if (has_line_) say(stdout, "\n");
  has_line_ = false;
}

void print_summary(const RunResult& result) {
  const Report& report = result.final_report;
  std::string text;
  if (!result.interrupted.empty()) {
    text += result.reports.empty() ? "interrupted after" : "interrupted; the last report is of";
    text += format(" update %d\n", report.update);
  }
  // without held-out samples the training samples are tested
  const bool on_training = result.tests_on_training_samples;
  if (report.test_accuracy)
    text += format(on_training ? "training accuracy (no samples are held out): %.2f %%\n"
                               : "test accuracy: %.2f %%\n",
                   100.0 * *report.test_accuracy);
  if (report.mean_return) text += format("mean return:   %.6g\n", *report.mean_return);
  if (report.test_loss)
    text +=
        format(on_training ? "training loss: %.6g\n" : "test loss:     %.6g\n", *report.test_loss);
  for (const auto& [population, rate] : report.firing_rate)
    text += "firing rate:   " + population + format(" %.4f spikes per neuron and step\n", rate);
  text += "state hash:    " + result.state_hash + "\n";
  text += "wall time:     " + duration_text(result.timing.total_s) + "\n";
  if (result.timing.sample_steps_per_s > 0.0)
    text += "speed:         " + rate_text(result.timing.sample_steps_per_s) + "sample-steps/s\n";
  say(text_stream(), text);
  if (report.n_unstable)
    say(stderr, format("warning: the physics became unstable in %d held-out episodes, which ended "
                       "there\n",
                       *report.n_unstable));
  for (const auto& [population, rate] : report.firing_rate)
    if (is_silent(rate) || is_saturated(rate)) say(stderr, firing_warning(population, rate));
}

void print_final_line(const RunResult& result) {
  if (is_terminal()) return;
  std::string report = report_to_json_line(result.final_report);
  report.pop_back();
  say(stdout, "{\"final\":" + report + ",\"state_hash\":\"" + result.state_hash + "\"}\n");
}

}  // namespace spikelane
