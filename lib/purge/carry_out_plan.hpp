// What carry_out does, as far as the plan goes. Internal to the library.
#pragma once

#include "purge/purge.hpp"

namespace cleanerd::purge {

Report carry_out_plan(const Look& planned, const Request& request);

}  // namespace cleanerd::purge
