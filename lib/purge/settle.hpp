// When an object of the journal is settled.
#pragma once

#include <string_view>

#include "purge/look.hpp"

namespace cleanerd::purge {

// Kept by a tag or rule until somebody changes that; what is mounted in a leftover stays, what held the secret beside it is gone.
bool is_for_good(const plan::Reason& reason);

// False where the engine did not list the object's kind this time: that it is not there says nothing then.
bool was_looked_for(const Look& look, std::string_view object_id);

}  // namespace cleanerd::purge
