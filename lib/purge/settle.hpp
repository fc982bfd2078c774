// What a plan puts on the journal, and when it is settled there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "purge/journal.hpp"
#include "purge/look.hpp"

namespace cleanerd::purge {

std::vector<Planned> planned_removals(const Look& look);

// Kept by a tag or rule until somebody changes that; what is mounted in a leftover stays, what held the secret beside it is gone; what
// something else holds is that one's from now on.
bool is_for_good(const plan::Reason& reason);

// False where the engine did not list the object's kind this time: that it is not there says nothing then.
bool was_looked_for(const Look& look, std::string_view object_id);

// Whether this lies in the data root, an object's by now or not. False for the engine ids of all but leftovers.
bool has_place(const Look& look, const std::string& engine_id);

// Whether something with a secret in it lies in the data root, is no object's, and was not there before.
bool has_new_leftovers(const Look& before, const Look& now);

}  // namespace cleanerd::purge
