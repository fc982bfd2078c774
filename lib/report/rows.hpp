// What the documents' makers share.
#pragma once

#include "report/document.hpp"

namespace cleanerd::report {

FindingRow finding_row(const secrets::Finding& finding, const secrets::ValueSet& known, const Fingerprinter& fingerprint);

// What one of the engine's databases holds in pages that are free.
ObjectRow freed_row(const purge::FreedPages& pages, const secrets::ValueSet& known, const Fingerprinter& fingerprint);

}  // namespace cleanerd::report
