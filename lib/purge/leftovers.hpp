// Leftovers that go on policy: from the plan's object to the place on the disk.
#pragma once

#include "purge/look.hpp"

namespace cleanerd::purge {

// The look has just been taken, and no build runs. Errc as scrub::remove_leftover's.
Status remove_leftover(const Look& fresh, plan::Index leftover);

}  // namespace cleanerd::purge
