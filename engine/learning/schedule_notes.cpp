#include "engine/learning/schedule_notes.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace spikelane {

namespace {

// the first update at which factor^update is below 1e-6; -1: it never is
long first_tiny_update(double factor) {
  if (!(factor > 0.0 && factor < 1.0)) return -1;
  return static_cast<long>(std::floor(std::log(1e-6) / std::log(factor))) + 1;
}

class Notes {
 public:
  Notes(const RunConfig& config, int first_update)
      : first_(first_update), end_(config.run.n_updates) {}

  void check_optimiser(const std::string& key, const OptimiserConfig& optimiser) {
    if (optimiser.cosine_updates > 0 && optimiser.cosine_updates < end_)
      add(key + ".cosine_updates: the learning rate is 0 from update " +
              std::to_string(optimiser.cosine_updates) + " on",
          optimiser.cosine_updates);
    check_decay(key + ".lr_decay: the learning rate", optimiser.lr_decay);
  }

  void check_decay(const std::string& what, double factor) {
    const long tiny = first_tiny_update(factor);
    if (tiny >= 0 && tiny < end_)
      add(what + " is below 1e-6 of its start from update " + std::to_string(tiny) + " on", tiny);
  }

  void check_phases(const std::vector<SearchPhase>& phases) {
    for (std::size_t i = 0; i < phases.size(); ++i)
      if (phases[i].from_update >= end_)
        list_.push_back("rule.phases." + std::to_string(i) + ".from_update: update " +
                        std::to_string(phases[i].from_update) +
                        " is never reached; the run ends after " + std::to_string(end_) +
                        " updates");
  }

  std::vector<std::string> take() { return std::move(list_); }

 private:
  void add(const std::string& what, long from) {
    const long n = end_ - std::max<long>(from, first_);
    list_.push_back(what + "; " + std::to_string(n) + " of the " + std::to_string(end_ - first_) +
                    " updates ahead change little or nothing");
  }

  int first_, end_;
  std::vector<std::string> list_;
};

}  // namespace

std::vector<std::string> schedule_notes(const RunConfig& config, int first_update) {
  Notes notes(config, first_update);
  if (config.rule.kind == RuleKind::kEs) {
    const EsConfig& es = config.rule.es;
    notes.check_optimiser("rule.optimiser", es.optimiser);
    notes.check_decay("rule.sigma_decay: sigma", es.sigma_decay);
    notes.check_phases(es.phases);
  } else {
    notes.check_optimiser("rule.optimiser", config.rule.kernl.optimiser);
    if (config.rule.kernl.regression.is_on)
      notes.check_optimiser("rule.regression.optimiser", config.rule.kernl.regression.optimiser);
  }
  return notes.take();
}

}  // namespace spikelane
