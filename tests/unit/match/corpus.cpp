#include "unit/match/corpus.hpp"

#include "match/codec.hpp"
#include "match/example.hpp"
#include "match/matcher.hpp"
#include "unit/match/pack.hpp"
#include "unit/match/support.hpp"

namespace cleanerd::match {
namespace {

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::string binary_head(std::string_view magic) { return std::string(magic) + std::string("\0\0\0\0\x01\x80\0\x02", 8) + std::string(120, '\0'); }

class Planter {
 public:
  Planter(const Format& format, std::uint64_t seed, std::vector<Planted>& out)
      : format_(format), secret_(*expand_example(format.token, seed)), seed_(seed), out_(out) {}

  void named() {
    const std::string name = format_.variable;
    add(".env file", "/srv/app/.env", "APP_ENV=production\n" + name + "=", secret_, "\nLOG_LEVEL=info\n");
    add("environment list", "/srv/ci/build.conf", "PATH=/usr/bin\n" + name + "=\"", secret_, "\"\n");
    add("YAML", "/srv/app/values.yaml", "app:\n  replicas: 2\n  " + lower(name) + ": ", secret_, "\n  image: app:1\n");
    add("compose file", "/srv/app/docker-compose.yml", "services:\n  app:\n    environment:\n      - " + name + "=", secret_, "\n");
    add("JSON", "/srv/app/config.json", "{\n  \"port\": 8080,\n  \"" + name + "\": \"", secret_, "\",\n  \"debug\": false\n}\n");
    add("minified JSON", "/srv/app/state.json", "{\"v\":1,\"" + lower(name) + "\":\"", secret_, "\",\"t\":17},{\"v\":2}");
    add("Python source", "/srv/app/settings.py", "import os\n\n" + name + " = '", secret_, "'\nDEBUG = False\n");
    add("JavaScript source", "/srv/app/config.js", "module.exports = {\n  " + name + ": \"", secret_, "\",\n};\n");
    add("Dockerfile", "/src/Dockerfile", "FROM debian\nENV " + name + "=", secret_, "\nRUN make\n");
    add("shell history", "/root/.bash_history", "cd /srv\nexport " + name + "=", secret_, "\nmake deploy\n");
    add("build log", "/var/log/build.log", "2024-05-01T10:00:00Z step 4: env " + name + "=", secret_, " make\n");
    add("container config", "/c/config.v2.json", "{\"Config\":{\"Env\":[\"PATH=/bin\",\"" + name + "=", json_escape(secret_, JsonStyle::html_safe), "\"]}}");
    add("JSON in a log", "/c/json.log", "{\"log\":\"{\\\"" + name + "\\\":\\\"", json_escape(json_escape(secret_, JsonStyle::plain), JsonStyle::plain),
        "\\\"}\\n\",\"stream\":\"stdout\"}\n");
    add("UTF-16 text", "/srv/app/env.ps1", "\xff\xfe" + wide("$env:X=1\r\n" + name + "="), wide(secret_), wide("\r\n"));
    add("last bytes of a file", "/srv/app/notes.txt", filler(5000) + "\n" + name + "=", secret_, "");
    add("edge of a buffer", "/srv/app/dump.sql", filler(kEdge - secret_.size() / 2 - 40) + "\n" + name + "=", secret_, "\n" + filler(3000));
    packed(name + "=");
  }

  void telling() {
    add("Python call", "/srv/app/main.py", "import client\n\nclient.connect(\"", secret_, "\", timeout=3)\n");
    add("minified JavaScript", "/srv/app/bundle.min.js", "!function(e){var t=1,n=\"", secret_, "\";e.exports=n}(window);");
    add("YAML list", "/srv/app/list.yaml", "items:\n  - ", secret_, "\n  - other\n");
    add("log line", "/var/log/app.log", "INFO 10:00:00 login with ", secret_, " accepted\n");
    add("quoted log line", "/var/log/app.log", "time=10 level=info msg=\"got '", secret_, "'\"\n");
    add("request in a shell history", "/root/.bash_history", "ls\ncurl -H 'Authorization: token ", secret_, "' https://api.example.org/\n");
    add("settings.xml", "/root/.m2/settings.xml", "<servers><server><id>r</id><password>", secret_, "</password></server></servers>");
    add("Terraform state", "/srv/tf/terraform.tfstate", "{\"version\":4,\"outputs\":{\"x\":{\"value\":\"", secret_, "\",\"type\":\"string\"}}}");
    add("Markdown", "/srv/app/TODO.md", "* use `", secret_, "` for now\n");
    add("CSV", "/srv/app/export.csv", "id,name,value\n7,ci,", secret_, ",2024-05-01\n");
    add("Python bytecode", "/srv/app/__pycache__/a.pyc", binary_head("\xcb\x0d\x0d\x0a") + marshal_head(), secret_, "\xda\x05tokenN)\x01\xda\x04main");
    add("Python bytecode, plain strings", "/srv/app/__pycache__/b.pyc", binary_head("\xcb\x0d\x0d\x0a") + marshal_head(), secret_, "Z\x05tokenN");
    add("SQLite", "/srv/app/app.db", binary_head("SQLite format 3") + "\x81\x07\x04\x17\x5f" + "ci@example.org" + std::string(1, '\0'), secret_,
        "2024-05-01 10:00:00" + std::string(9, '\0'));
    add("executable", "/srv/app/server", binary_head("\x7f" "ELF") + "GET /" + std::string(1, '\0'), secret_, std::string(1, '\0') + "HTTP/1.1");
    add("memory image", "/srv/app/core", binary_head("\x7f" "ELF") + filler(700), secret_, std::string("\x01\xff\x10\0", 4));
    for (std::size_t i = 0; i < 3; ++i) {
      const std::string before = std::string("u:").substr(2 - i);
      encoded("base64, alignment " + std::to_string(i), base64_encode(before + secret_ + "\n", Base64::padded));
      encoded("base64url, alignment " + std::to_string(i), base64_encode(before + secret_, Base64::url));
    }
    encoded("URL-encoded", "https://ci.example.org/hook?x=1&key=" + percent_encode(secret_, true) + "&job=7");
    encoded("hex", hex_encode(secret_, false));
    encoded("upper-case hex", hex_encode(secret_, true));
    encoded("JSON-escaped", json_escape("{\"a\":\"" + json_escape(secret_, JsonStyle::slashes) + "\"}", JsonStyle::plain));
    add("UTF-16 text", "/srv/app/a.reg", "\xff\xfe" + wide("\"value\"=\""), wide(secret_), wide("\"\r\n"));
    add("UTF-16 in a binary", "/srv/app/a.dll", binary_head("MZ") + filler(300) + std::string(2, '\0'), wide(secret_), std::string(3, '\0'));
    add("last bytes of a file", "/srv/app/notes.txt", filler(5000) + "\n", secret_, "");
    add("edge of a buffer", "/srv/app/dump.sql", filler(kEdge - secret_.size() / 2) + "\n", secret_, "\n" + filler(3000));
    add("end after a buffer", "/srv/app/dump.sql", filler(kEdge - 30) + "\n", secret_, "");
    packed("value: ");
  }

 private:
  static constexpr std::size_t kEdge = Scanner::kChunk + Scanner::kOverlap;

  void add(const std::string& kind, const std::string& path, const std::string& before, const std::string& spelled, const std::string& after) {
    out_.push_back({format_.name, kind, path, before + spelled + after, secret_, before.size(), before.size() + spelled.size()});
  }

  void encoded(const std::string& kind, const std::string& spelled) { add(kind, "/srv/app/data.txt", "data: ", spelled, "\nend\n"); }

  // TYPE_SHORT_ASCII and its length, or TYPE_ASCII and four bytes of it.
  std::string marshal_head() const {
    const std::size_t n = secret_.size();
    if (n < 256) return "\xfa" + std::string(1, static_cast<char>(n));
    return "\xe1" + std::string{static_cast<char>(n & 0xFF), static_cast<char>(n >> 8), '\0', '\0'};
  }

  // In two of eight kinds of archive, other ones for each format.
  void packed(const std::string& before) {
    const std::string content = "# settings\n" + before + secret_ + "\n";
    const Files files{{"etc/app/settings.conf", content}, {"README", "nothing\n"}};
    const auto tar = &archive_write_set_format_ustar;
    const auto raw = &archive_write_set_format_raw;
    const auto zip = &archive_write_set_format_zip;
    for (const std::uint64_t kind : {seed_ % 8, (seed_ + 3) % 8}) {
      std::string bytes, name;
      switch (kind) {
        case 0: name = "tar.gz", bytes = pack(tar, ARCHIVE_FILTER_GZIP, files); break;
        case 1: name = "zip", bytes = pack(zip, ARCHIVE_FILTER_NONE, files); break;
        case 2: name = "deb", bytes = debian_package(files); break;
        case 3: name = "xz", bytes = pack(raw, ARCHIVE_FILTER_XZ, {{"a", content}}); break;
        case 4: name = "zst", bytes = pack(raw, ARCHIVE_FILTER_ZSTD, {{"a", content}}); break;
        case 5: name = "tar.bz2", bytes = pack(tar, ARCHIVE_FILTER_BZIP2, files); break;
        case 6: name = "tar.zst", bytes = pack(tar, ARCHIVE_FILTER_ZSTD, files); break;
        default:
          name = "three deep";
          bytes = pack(zip, ARCHIVE_FILTER_NONE, {{"b.zip", pack(tar, ARCHIVE_FILTER_XZ, {{"c.tgz", pack(tar, ARCHIVE_FILTER_GZIP, files)}})}});
      }
      const std::size_t begin = 11 + before.size();
      out_.push_back({format_.name, name, "/srv/app/archive", bytes, secret_, begin, begin + secret_.size()});
    }
  }

  const Format& format_;
  std::string secret_;
  std::uint64_t seed_;
  std::vector<Planted>& out_;
};

struct CredentialFile {
  const char* kind;
  const char* path;
  const char* before;
  const char* secret;
  const char* after;
};

constexpr CredentialFile kCredentialFiles[] = {
    {".npmrc", "/root/.npmrc", "registry=https://npm.acme.org/\n//npm.acme.org/:_authToken=", "{base62:24}", "\nalways-auth=true\n"},
    {".npmrc with a password", "/root/.npmrc", "//npm.acme.org/:username=ci\n//npm.acme.org/:_password=", "{b64:{base62:14}}", "\n"},
    {".yarnrc.yml", "/app/.yarnrc.yml", "npmRegistries:\n  \"https://npm.acme.org\":\n    npmAuthToken: \"", "{base62:24}", "\"\n"},
    {".netrc", "/root/.netrc", "machine git.acme.org\nlogin ci\npassword ", "{base62:16}", "\n"},
    {".pypirc", "/root/.pypirc", "[acme]\nrepository = https://pypi.acme.org\nusername = ci\npassword = ", "{base62:18}", "\n"},
    {"pip.conf", "/etc/pip.conf", "[global]\nindex-url = https://ci:", "{base62:18}", "@pypi.acme.org/simple\n"},
    {".git-credentials", "/root/.git-credentials", "https://ci:", "{base62:20}", "@git.acme.org\n"},
    {".git/config", "/src/.git/config", "[remote \"origin\"]\n\turl = https://ci:", "{base62:20}", "@git.acme.org/a.git\n"},
    {"Docker config", "/root/.docker/config.json", "{\n\t\"auths\": {\n\t\t\"r.acme.org\": {\n\t\t\t\"auth\": \"", "{b64:ci:{base62:18}}", "\"\n\t\t}\n\t}\n}"},
    {"settings.xml", "/root/.m2/settings.xml", "<settings><servers><server><id>a</id><username>ci</username><password>", "{base62:16}", "</password></server></servers></settings>\n"},
    {"gradle.properties", "/root/.gradle/gradle.properties", "org.gradle.daemon=false\nnexusPassword=", "{base62:16}", "\n"},
    {"kubeconfig", "/root/.kube/config", "apiVersion: v1\nkind: Config\nusers:\n- name: ci\n  user:\n    token: ", "{base62:40}", "\n"},
    {"kubeconfig's key", "/root/.kube/config", "users:\n- name: ci\n  user:\n    client-key-data: ", "{b64:{pem:EC PRIVATE KEY}}", "\n"},
    {"service account", "/srv/key.json", "{\"type\": \"service_account\", \"private_key_id\": \"7\", \"private_key\": \"-----BEGIN PRIVATE KEY-----\\nMIIE", "{base64:60}\\n{base64:64}\\n{base64:64}", "\\n-----END PRIVATE KEY-----\\n\"}"},
    {"AWS credentials", "/root/.aws/credentials", "[default]\naws_access_key_id = x\naws_secret_access_key = ", "{base64:40}", "\n"},
    {"gcloud credentials", "/root/.config/gcloud/application_default_credentials.json", "{\"client_id\": \"a\", \"refresh_token\": \"", "1//0{base62:60}", "\", \"type\": \"authorized_user\"}"},
    {"Azure tokens", "/root/.azure/msal_token_cache.json", "{\"RefreshToken\": {\"a\": {\"secret\": \"", "0.A{base62:80}", "\"}}}"},
    {"gh hosts", "/root/.config/gh/hosts.yml", "github.com:\n    user: ci\n    oauth_token: ", "gho_{base62:30}{crc32}", "\n"},
    {"Cargo credentials", "/root/.cargo/credentials.toml", "[registry]\ntoken = \"", "{base62:32}", "\"\n"},
    {"Composer auth", "/root/.composer/auth.json", "{\"http-basic\": {\"r.acme.org\": {\"username\": \"ci\", \"password\": \"", "{base62:18}", "\"}}}"},
    {"NuGet.Config", "/src/NuGet.Config", "<packageSourceCredentials><a><add key=\"ClearTextPassword\" value=\"", "{base62:18}", "\" /></a></packageSourceCredentials>"},
    {"Terraform state", "/srv/terraform.tfstate", "{\"resources\":[{\"instances\":[{\"attributes\":{\"username\":\"a\",\"password\":\"", "{base62:16}", "\"}}]}]}"},
    {"Terraform variables", "/srv/prod.tfvars", "region = \"eu\"\ndb_password = \"", "{base62:16}", "\"\n"},
    {"Terraform credentials", "/root/.terraformrc", "credentials \"app.terraform.io\" {\n  token = \"", "{base62:14}.atlasv1.{base62:67}", "\"\n}\n"},
    {".pgpass", "/root/.pgpass", "db.internal:5432:app:app:", "{base62:14}", "\n"},
    {".my.cnf", "/root/.my.cnf", "[client]\nuser=app\npassword=", "{base62:14}", "\n"},
    {"wp-config.php", "/var/www/wp-config.php", "<?php\ndefine( 'DB_NAME', 'wp' );\ndefine( 'DB_PASSWORD', '", "{base62:16}", "' );\n"},
    {"Kubernetes secret", "/srv/secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ntype: Opaque\ndata:\n  password: ", "{b64:{base62:20}}", "\n"},
    {"SSH key", "/root/.ssh/id_ed25519", "", "{openssh}", ""},
    {"RSA key in YAML", "/srv/values.yaml", "tls:\n  key: |\n", "{pem:RSA PRIVATE KEY}", "  port: 1\n"},
    {"Vault token", "/root/.vault-token", "", "hvs.{base62:92}", ""},
    {"curl in a history", "/root/.bash_history", "curl -u ci:", "{base62:18}", " https://repo.acme.org/a.tgz\n"},
    {"docker login in a history", "/root/.zsh_history", ": 1714557600:0;docker login -u ci -p ", "{base62:20}", " r.acme.org\n"},
    {"request log", "/var/log/proxy.log", "POST /v1 Authorization: Bearer ", "{base62:48}", " 200\n"},
    {"Basic login in a git config", "/src/.git/config", "[http \"https://github.com/\"]\n\textraheader = AUTHORIZATION: basic ", "{b64:x-access-token:ghs_{base62:36}}", "\n"},
    {"WireGuard", "/etc/wireguard/wg0.conf", "[Interface]\nAddress = 10.0.0.1/24\nPrivateKey = ", "{base64:43}=", "\n"},
};

}  // namespace

std::vector<Planted> planted_files(const Format& format, std::uint64_t seed) {
  std::vector<Planted> out;
  Planter planter(format, seed, out);
  planter.named();
  if (format.form == Format::Form::telling) planter.telling();
  return out;
}

std::vector<Planted> planted_credential_files(std::uint64_t seed) {
  std::vector<Planted> out;
  for (const CredentialFile& file : kCredentialFiles) {
    const std::string before = file.before, secret = *expand_example(file.secret, seed + out.size());
    out.push_back({file.kind, "file of credentials", file.path, before + secret + file.after, secret, before.size(), before.size() + secret.size()});
  }
  return out;
}

}  // namespace cleanerd::match
