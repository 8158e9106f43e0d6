#include "tasks/scenes/scene_list.h"

namespace spikelane {
namespace {

// feed-forward nets with few inputs: tables of sums, codes, fused traces
void add_tabled(SceneList& list) {
  const LossConfig counts = loss_of(LogitKind::kCounts), final = loss_of(LogitKind::kFinal, 3.0);
  list.add("3_4_10", {3, 17, 50, 3}, {leaky("hidden", 4, 0.85), leaky("output", 10, 0.85)},
           {with_bias(weights("input", "hidden", -0.6, 1.6), -0.05, 0.08),
            with_bias(weights("hidden", "output", -0.6, 1.6), -0.05, 0.08)},
           counts);
  list.add("10_64_10", {2, 33, 60, 10},
           {leaky("hidden", 64, 0.99), readout("output", 10, 0.97, 0.5)},
           {weights("input", "hidden", -1.0, 1.5), weights("hidden", "output", -0.5, 0.5)}, final,
           SceneInputs::kSingle);
  list.add("codes_up_to_32", {2, 16, 40, 5},
           {leaky("hidden", 11, 0.8), readout("output", 3, 0.9, 0.5)},
           {weights("input", "hidden", -0.6, 0.8), weights("hidden", "output", -1.0, 1.0)}, final,
           SceneInputs::kRandom, 0.5);
  list.add("codes_too_many", {2, 16, 40, 8},
           {leaky("hidden", 11, 0.8), readout("output", 3, 0.9, 0.5)},
           {weights("input", "hidden", -0.5, 0.6), weights("hidden", "output", -1.0, 1.0)}, final,
           SceneInputs::kRandom, 0.5);
  // one tile by table, the next by lists
  Scene& mixed = list.add("codes_of_some_tiles", {2, 33, 40, 9},
                          {leaky("hidden", 6, 0.9), readout("output", 4, 0.9, 0.5)},
                          {weights("input", "hidden", -0.3, 0.8),
                           with_bias(weights("hidden", "output", -1.0, 1.0), -0.1, 0.1)},
                          final);
  mixed.inputs = random_events(shape_of(mixed), 0.05, 16, 0.5);
  list.add("inputs_31", {1, 16, 35, 31}, {leaky("output", 7, 0.9)},
           {weights("input", "output", -0.4, 0.9)}, counts, SceneInputs::kSingle);
  list.add("inputs_33", {1, 16, 35, 33}, {leaky("output", 7, 0.9)},
           {weights("input", "output", -0.4, 0.9)}, counts, SceneInputs::kSingle);
  list.add("deep_codes", {2, 20, 45, 4},
           {leaky("first", 4, 0.8), leaky("second", 3, 0.8), leaky("third", 1, 0.8),
            leaky("fourth", 2, 0.7), readout("output", 3, 0.9, 0.5)},
           {weights("input", "first", -0.1, 0.9), weights("first", "second", -0.3, 1.2),
            weights("second", "third", 0.4, 1.1), weights("third", "fourth", 0.6, 1.3),
            weights("fourth", "output", -1.0, 1.0)},
           final, SceneInputs::kRandom, 0.25);
  list.add("deep_lists", {2, 17, 45, 6},
           {leaky("first", 9, 0.9), leaky("second", 6, 0.9), leaky("output", 5, 0.9)},
           {weights("input", "first", -0.4, 0.8), weights("first", "second", -0.5, 0.8),
            with_bias(weights("second", "output", -0.5, 0.9), 0.0, 0.05)},
           counts);
  list.add("layer_and_readout", {2, 17, 33, 5},
           {leaky("first", 4, 0.9), leaky("second", 5, 0.9), readout("output", 3, 0.8, 0.5)},
           {weights("input", "first", -0.4, 0.9), weights("first", "second", -0.3, 0.9),
            weights("first", "output", -1.0, 1.0), weights("second", "output", -1.0, 1.0)},
           final);
  list.add("one_step", {2, 33, 1, 3}, {leaky("hidden", 4, 0.9), leaky("output", 2, 0.9)},
           {weights("input", "hidden", 0.2, 1.9), weights("hidden", "output", 0.2, 1.6)}, counts,
           SceneInputs::kRandom, 0.2);
  list.add("beta_0_and_1", {2, 5, 40, 3}, {leaky("hidden", 4, 0.0), leaky("output", 3, 1.0)},
           {weights("input", "hidden", 0.5, 1.5), weights("hidden", "output", -0.6, 0.8)}, counts);
}

void add_resets(SceneList& list) {
  const ResetKind kinds[] = {ResetKind::kSubtract, ResetKind::kZero, ResetKind::kNone};
  const char* names[] = {"subtract", "zero", "none"};
  for (int k = 0; k < 3; ++k)
    for (bool is_delayed : {true, false}) {
      PopulationDescription hidden = leaky("hidden", 7, 0.8), output = leaky("output", 5, 0.75);
      for (auto* population : {&hidden, &output}) {
        population->reset = kinds[k];
        population->reset_delay = is_delayed;
      }
      // without a reset a neuron fires until its membrane has decayed
      const double high = kinds[k] == ResetKind::kNone ? 1.1 : 1.7;
      list.add(std::string("reset_") + names[k] + (is_delayed ? "_delayed" : "_now"),
               {2, 17, 50, 5}, {hidden, output},
               {with_bias(weights("input", "hidden", -1.2, high), -0.05, 0.1),
                weights("hidden", "output", -1.0, 0.9 * high)},
               loss_of(LogitKind::kCounts));
    }
  PopulationDescription hidden = leaky("hidden", 35, 0.0), output = leaky("output", 5, 0.0);
  hidden.beta = spread(35, 0.5, 0.99);
  hidden.threshold = spread(35, 0.5, 1.4);
  output.beta = spread(5, 0.6, 0.95);
  output.threshold = spread(5, 1.5, 0.7);
  output.reset = ResetKind::kZero;
  output.reset_delay = false;
  list.add("vectors", {2, 18, 37, 6}, {hidden, output},
           {weights("input", "hidden", -0.5, 0.9), weights("hidden", "output", -0.4, 0.5)},
           loss_of(LogitKind::kCounts));
}

void add_logits(SceneList& list) {
  struct Case {
    const char* name;
    LogitKind logits;
    int window;
  };
  const Case cases[] = {{"final", LogitKind::kFinal, 0},
                        {"max", LogitKind::kMax, 0},
                        {"mean", LogitKind::kMean, 0},
                        {"mean_window", LogitKind::kMean, 7}};
  for (const Case& c : cases) {
    LossConfig loss = loss_of(c.logits, 2.0);
    loss.window = c.window;
    list.add(std::string("leaky_") + c.name, {2, 17, 35, 4},
             {leaky("hidden", 6, 0.9), leaky("output", 5, 0.9)},
             {weights("input", "hidden", -0.4, 0.9), weights("hidden", "output", -0.5, 0.9)}, loss);
    PopulationDescription output = readout("output", 19, 0.0, -1.5);
    output.beta = spread(19, 0.5, 0.98);
    output.beta[7] = output.beta[18] = output.beta[2];
    list.add(std::string("readout_kappas_bias_") + c.name, {2, 17, 35, 4},
             {leaky("hidden", 6, 0.9), output},
             {weights("input", "hidden", -0.4, 0.9),
              with_bias(weights("hidden", "output", -1.0, 1.0), -0.3, 0.3)},
             loss);
    list.add(std::string("readout_") + c.name, {2, 17, 35, 4},
             {leaky("hidden", 37, 0.9), readout("output", 12, 0.95, 0.5)},
             {weights("input", "hidden", -0.4, 0.9), weights("hidden", "output", -1.0, 1.0)}, loss);
  }
  list.add("leaky_first_spike", {2, 17, 35, 4}, {leaky("hidden", 4, 0.9), leaky("output", 6, 0.9)},
           {weights("input", "hidden", -0.2, 0.9), weights("hidden", "output", -0.3, 0.6)},
           loss_of(LogitKind::kFirstSpike, 0.25));
  for (LossKind kind : {LossKind::kCountHinge, LossKind::kMeanSquaredError}) {
    LossConfig loss = loss_of(LogitKind::kCounts, 0.3);
    loss.kind = kind;
    loss.margin = 1.5;
    list.add(kind == LossKind::kCountHinge ? "loss_hinge" : "loss_squared", {2, 17, 35, 4},
             {leaky("hidden", 6, 0.9), leaky("output", 5, 0.9)},
             {weights("input", "hidden", -0.4, 0.9), weights("hidden", "output", -0.5, 0.9)}, loss);
  }
}

void add_graphs(SceneList& list) {
  const LossConfig counts = loss_of(LogitKind::kCounts), final = loss_of(LogitKind::kFinal, 3.0);
  list.add("recurrent", {2, 18, 40, 5}, {leaky("hidden", 20, 0.9), leaky("output", 4, 0.9)},
           {weights("input", "hidden", -0.3, 0.7), weights("hidden", "hidden", -0.4, 0.35),
            weights("hidden", "output", -0.3, 0.4)},
           counts);
  list.add("feedback", {2, 18, 40, 5}, {leaky("first", 9, 0.9), leaky("second", 7, 0.85)},
           {weights("input", "first", -0.3, 0.7), weights("second", "first", -0.5, 0.4),
            with_bias(weights("first", "second", -0.3, 0.6), 0.0, 0.05)},
           counts);
  // several projections to one population, a readout between the others, input to a readout
  list.add("many_projections", {2, 18, 40, 5},
           {leaky("first", 9, 0.9), readout("probe", 3, 0.7, 0.5), leaky("second", 34, 0.85),
            readout("output", 6, 0.9, 0.5)},
           {weights("input", "first", -0.3, 0.7), weights("input", "second", -0.3, 0.4),
            with_bias(weights("first", "second", -0.3, 0.4), -0.02, 0.05),
            weights("second", "second", -0.3, 0.2), weights("second", "first", -0.2, 0.2),
            weights("second", "probe", -1.0, 1.0), weights("first", "probe", -1.0, 1.0),
            weights("input", "output", -1.0, 1.0), weights("first", "output", -1.0, 1.0),
            with_bias(weights("second", "output", -1.0, 1.0), -0.1, 0.1)},
           final);
  PopulationDescription output = readout("output", 6, 0.0, 0.5);
  output.beta = spread(6, 0.6, 0.9);
  const LossConfig mean = loss_of(LogitKind::kMean);
  list.add("input_to_readout", {2, 17, 35, 6}, {leaky("hidden", 5, 0.9), output},
           {weights("input", "hidden", -0.3, 0.7), weights("hidden", "output", -1.0, 1.0),
            weights("input", "output", -1.0, 1.0)},
           mean);
  list.add("dense", {2, 17, 35, 7}, {leaky("hidden", 12, 0.9), leaky("output", 5, 0.9)},
           {weights("input", "hidden", -0.7, 1.4), weights("hidden", "output", -0.4, 0.8)}, counts,
           SceneInputs::kDense);
  list.add("dense_recurrent", {2, 17, 35, 7}, {leaky("hidden", 33, 0.9), output},
           {weights("input", "hidden", -0.7, 1.4), weights("hidden", "hidden", -0.2, 0.2),
            weights("input", "output", -1.0, 1.0), weights("hidden", "output", -0.4, 0.5)},
           mean, SceneInputs::kDense);
  // without a memory: the readout sees the spikes of this step, or of the one before
  list.add("kappa_0", {2, 17, 35, 4}, {leaky("hidden", 20, 0.9), readout("output", 18, 0.0, 0.5)},
           {weights("input", "hidden", -0.3, 0.8), weights("hidden", "output", -1.0, 1.0),
            weights("input", "output", -1.0, 1.0)},
           loss_of(LogitKind::kMax));
  list.add(
      "kappa_0_recurrent", {2, 17, 35, 4},
      {readout("probe", 3, 0.0, 0.5), leaky("hidden", 20, 0.9), readout("output", 3, 0.0, 0.5)},
      {weights("hidden", "probe", -1.0, 1.0), weights("input", "hidden", -0.3, 0.8),
       weights("hidden", "hidden", -0.2, 0.2), weights("hidden", "output", -1.0, 1.0)},
      loss_of(LogitKind::kMean));
  // decays so fast that membranes and traces fall below 2^-80 and are cleared
  list.add("tiny_values", {2, 17, 70, 4},
           {leaky("hidden", 6, 0.02), readout("output", 3, 0.01, 0.5)},
           {weights("input", "hidden", 0.5, 1.8), weights("hidden", "output", -1.0, 1.0)}, final,
           SceneInputs::kRandom, 0.02);
  list.add("tiny_values_recurrent", {2, 5, 70, 4},
           {leaky("hidden", 6, 0.02), readout("output", 3, 0.01, 0.5)},
           {weights("input", "hidden", 0.5, 1.8), weights("hidden", "hidden", -0.2, 0.1),
            weights("hidden", "output", -1.0, 1.0)},
           final, SceneInputs::kRandom, 0.02);
}

// numbers of neurons and samples around the lane width, with and without recurrence
void add_sizes(SceneList& list) {
  struct Case {
    int n_neurons, n_samples;
  };
  for (const Case& c : {Case{1, 15},
                        {15, 1},
                        {16, 16},
                        {31, 15},
                        {32, 16},
                        {33, 17},
                        {65, 33},
                        {130, 2},
                        {161, 1}}) {
    const std::string name = "size_" + std::to_string(c.n_neurons);
    // as much drive for every size
    const double w = 2.0 / (4.0 + c.n_neurons);
    const double low = c.n_neurons == 1 ? w : -w;
    const PopulationDescription hidden = leaky("hidden", c.n_neurons, 0.9);
    list.add(name, {1, c.n_samples, 33, 6}, {hidden, leaky("output", c.n_neurons, 0.9)},
             {with_bias(weights("input", "hidden", -0.1, 0.5), 0.0, 0.03),
              weights("hidden", "output", low, 4.0 * w)},
             loss_of(LogitKind::kCounts));
    list.add(name + "_recurrent", {2, c.n_samples, 33, 6},
             {hidden, readout("output", c.n_neurons, 0.9, 0.5)},
             {with_bias(weights("input", "hidden", -0.1, 0.5), 0.0, 0.03),
              weights("hidden", "hidden", -w, w), weights("hidden", "output", -1.0, 1.0)},
             loss_of(LogitKind::kFinal));
  }
}

}  // namespace

std::vector<Scene> small_scenes() {
  SceneList list;
  add_tabled(list);
  add_resets(list);
  add_logits(list);
  add_graphs(list);
  add_sizes(list);
  add_alif_scenes(list);
  return std::move(list.scenes);
}

}  // namespace spikelane
