// What the documents' makers share.
#pragma once

#include "report/document.hpp"

namespace cleanerd::report {

FindingRow finding_row(const secrets::Finding& finding, const secrets::ValueSet& known, const Fingerprinter& fingerprint);

}  // namespace cleanerd::report
