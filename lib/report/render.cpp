#include "report/render.hpp"

namespace cleanerd::report {

std::string render(const Document& document, Format format, Colour colour) {
  switch (format) {
    case Format::table: return render_table(document, colour);
    case Format::json: return render_json(document);
    case Format::sarif: return render_sarif(document);
    case Format::html: return render_html(document);
  }
  return {};
}

}  // namespace cleanerd::report
