// Two readings of one place. Internal to the library.
#pragma once

#include "search/hit.hpp"

namespace cleanerd::search {

// `more` was read for further values only. No path of either shows what a name in it holds.
void merge(Answer& answer, Answer&& more);

}  // namespace cleanerd::search
