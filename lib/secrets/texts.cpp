#include "secrets/texts.hpp"

#include "base/text.hpp"

namespace cleanerd::secrets {
namespace {

using inventory::Object;

void add_members(std::vector<Text>& texts, const std::map<std::string, std::string>& members, Source source, std::string_view what) {
  for (const auto& [name, value] : members) texts.push_back({value, source, what, name});
}

void add_all(std::vector<Text>& texts, const std::vector<std::string>& all, Source source, std::string_view what) {
  for (std::size_t i = 0; i < all.size(); ++i) texts.push_back({all[i], source, what, {}, i + 1});
}

}  // namespace

std::vector<Text> texts_of(const Object& object) {
  std::vector<Text> texts;
  add_members(texts, object.labels(), Source::label, "label");
  if (const auto* image = object.image()) {
    add_all(texts, image->config.env, Source::env, "variable");
    add_members(texts, image->config.labels, Source::label, "label");
    add_all(texts, image->config.created_by, Source::history, "history step");
    add_all(texts, image->config.on_build, Source::history, "ONBUILD instruction");
    add_all(texts, image->config.step_command, Source::history, "command of the step");
  } else if (const auto* container = object.container()) {
    add_all(texts, container->env, Source::env, "variable");
    add_all(texts, container->command, Source::history, "command");
    add_all(texts, container->args, Source::history, "command");
  } else if (const auto* record = object.cache()) {
    texts.push_back({record->description, Source::description, "step text", {}});
  } else if (const auto* build = object.build()) {
    add_members(texts, build->attributes, Source::history, "attribute");
    texts.push_back({build->error, Source::history, "error message", {}});
  }
  return texts;
}

std::string location_of(const Text& text, const ValueSet& known) {
  std::string location(text.what);
  if (!text.name.empty()) location += " " + printable(known.redact(text.name), 80);
  else if (text.number != 0) location += " " + std::to_string(text.number);
  return location;
}

std::string name_of(const Object& object) {
  if (object.image()) return "image " + object.image()->summary.id.short_form();
  if (object.container()) return "container " + object.container()->id.short_form();
  if (object.cache()) return "cache record " + object.cache()->id.short_form();
  if (object.build()) return "build " + object.build()->ref.short_form();
  if (object.volume()) return "volume " + printable(object.volume()->name.str(), 80);
  return printable(object.leftover()->name, 120);
}

}  // namespace cleanerd::secrets
