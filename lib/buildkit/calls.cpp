#include "buildkit/calls.hpp"

#include <grpcpp/create_channel_posix.h>

#include "base/text.hpp"
#include "buildkit/connection.hpp"

namespace cleanerd::buildkit {
namespace {

void add_blob(engine::BuildRecord& record, bool there, const pb::Descriptor& descriptor) {
  if (!there || descriptor.digest().empty()) return;
  record.blobs.push_back(descriptor.digest());
  record.size += ByteSize{descriptor.size()};
}

// The result itself is the image's: only what the build tells about it is the record's own.
void add_result(engine::BuildRecord& record, const pb::BuildResultInfo& result) {
  for (const pb::Descriptor& attestation : result.attestations()) add_blob(record, true, attestation);
}

}  // namespace

Result<std::shared_ptr<grpc::Channel>> open_channel(const engine::Endpoint& endpoint, engine::ApiVersion api_max) {
  auto descriptor = control_connection(endpoint, api_max);
  if (!descriptor) return std::move(descriptor).error();
  return grpc::CreateInsecureChannelFromFd("docker", *descriptor);
}

Error describe(const grpc::Status& status, const char* step) {
  const Errc code = [&] {
    switch (status.error_code()) {
      case grpc::StatusCode::UNIMPLEMENTED: return Errc::unsupported;
      case grpc::StatusCode::NOT_FOUND: return Errc::not_found;
      case grpc::StatusCode::DEADLINE_EXCEEDED: return Errc::timeout;
      case grpc::StatusCode::UNAVAILABLE: return Errc::unreachable;
      case grpc::StatusCode::CANCELLED: return Errc::cancelled;
      default: return Errc::engine;
    }
  }();
  return Error(code, std::string("build history: ") + step + ": " + printable(status.error_message()));
}

std::optional<Instant> instant_of(bool there, const google::protobuf::Timestamp& time) {
  if (!there || time.seconds() <= 0) return std::nullopt;
  return Instant(std::chrono::seconds(time.seconds()) + std::chrono::milliseconds(time.nanos() / 1'000'000));
}

engine::BuildRecord convert(const pb::BuildHistoryRecord& source, bool running) {
  engine::BuildRecord record;
  record.ref = BuildRef(source.ref());
  record.running = running;
  record.created = instant_of(source.has_createdat(), source.createdat());
  record.completed = instant_of(source.has_completedat(), source.completedat());
  record.failed = source.has_error();
  for (const auto& [name, value] : source.frontendattrs()) record.attributes.emplace(name, value);
  for (const pb::Exporter& exporter : source.exporters()) {
    const auto name = exporter.attrs().find("name");
    if (name != exporter.attrs().end() && !name->second.empty()) record.image_names.push_back(name->second);
  }
  record.error = source.error().message();
  add_blob(record, source.has_logs(), source.logs());
  add_blob(record, source.has_trace(), source.trace());
  record.has_trace = source.has_trace();
  add_blob(record, source.has_externalerror(), source.externalerror());
  if (source.has_result()) add_result(record, source.result());
  for (const auto& [platform, result] : source.results()) add_result(record, result);
  return record;
}

}  // namespace cleanerd::buildkit
