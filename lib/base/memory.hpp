// What this process holds and can have again.
#pragma once

namespace cleanerd {

// Gives freed memory, and the pages of programs and libraries that were read in, back to the system: after work of a kind that will not be
// done again for long. They are read in again when they are needed.
void release_memory();

}  // namespace cleanerd
