#include "plan/reason.hpp"

#include "base/text.hpp"

namespace cleanerd::plan {

std::string name_of(const inventory::Object& object) {
  if (const auto* image = object.image())
    return image->summary.tags.empty() ? "image " + image->summary.id.short_form() : "image " + printable(image->summary.tags[0], 80);
  if (const auto* container = object.container()) return "container " + printable(container->name, 60);
  if (const auto* record = object.cache()) return "cache record " + record->id.short_form();
  if (const auto* record = object.build()) return "the record of build " + record->ref.short_form();
  if (const auto* volume = object.volume()) return "volume " + printable(volume->name.str(), 80);
  return printable(object.leftover()->name, 120);
}

}  // namespace cleanerd::plan
