// Whatever an engine answers: streamed lists, documents and their decoders never crash, hang or throw.
#include <nlohmann/json.hpp>

#include "engine/decode.hpp"
#include "engine/json_stream.hpp"

namespace {

using namespace cleanerd;

// Cut into parts whose sizes the first byte tells.
class FuzzBody final : public engine::Body {
 public:
  FuzzBody(std::string_view text, std::size_t part) : rest_(text), part_(part) {}
  Result<std::string_view> next() override {
    const std::string_view part = rest_.substr(0, part_);
    rest_.remove_prefix(part.size());
    return part;
  }

 private:
  std::string_view rest_;
  std::size_t part_;
};

Status decode_all(const nlohmann::json& json) {
  (void)engine::decode_image_summary(json);
  (void)engine::decode_container_id(json);
  (void)engine::decode_container(json);
  (void)engine::decode_cache_record(json);
  (void)engine::decode_history(json);
  (void)engine::decode_version(json);
  (void)engine::decode_prune(json);
  (void)engine::decode_volume(json);
  (void)engine::decode_exec_id(json);
  (void)engine::decode_exec_exit(json);
  engine::EngineInfo info;
  return engine::decode_info(json, info);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t part = size == 0 ? 1 : data[0] % 64 + 1u;
  const engine::OnElement on_element = [](const nlohmann::json& element) {
    (void)decode_all(element);
    return Status();
  };
  for (const std::string_view key : {"", "BuildCache"}) {
    FuzzBody body(text, part);
    (void)engine::for_each_element(body, key, on_element, 4096);
  }
  (void)engine::decode_output(text);
  (void)engine::decode_image_config(text);
  FuzzBody body(text, part);
  if (const auto document = engine::read_document(body)) (void)decode_all(*document);
  return 0;
}
