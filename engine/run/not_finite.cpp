#include "engine/run/not_finite.h"

#include "engine/config/user_error.h"

namespace spikelane {

void throw_state_not_finite(const Plan& plan, int population, const std::string& where) {
  throw RunError("state is not finite: population \"" +
                 plan.network().populations[static_cast<std::size_t>(population)].name + "\", " +
                 where);
}

}  // namespace spikelane
