// What a gate tells of the images that are to leave the host.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "report/document.hpp"

namespace cleanerd::report {

// Each name is a tag ("app", "app:1", "registry.example/app:1"), an id or at least 4 characters of one. Errc::usage for one that names no
// image, or several.
Result<std::vector<plan::Index>> find_images(const inventory::Inventory& inventory, std::span<const std::string> names);

// Of a look's document only these images, each with what its layers, its history and its config hold, also where it is charged to an
// image that it stands on; and what to change in the Dockerfile.
Document gate_document(Document whole, const purge::Look& look, std::span<const plan::Index> images);

// All images with a tag.
std::vector<plan::Index> tagged_images(const inventory::Inventory& inventory);

// For people: every finding of every image, and what to change.
std::string render_gate(const Document& document);

}  // namespace cleanerd::report
