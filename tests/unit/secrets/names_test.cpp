#include "secrets/names.hpp"

#include <gtest/gtest.h>

#include "support/builders.hpp"

namespace cleanerd::secrets {
namespace {

TEST(NameRules, KnowSecretsOfRealLifeByTheirNames) {
  const NameRules rules;
  for (const char* name :
       {"SECRET", "MY_SECRET", "CLIENT_SECRET", "DJANGO_SECRET_KEY", "SECRET_KEY_BASE", "JWT_SECRET", "WEBHOOK_SECRET", "TOKEN",
        "NPM_TOKEN", "GITHUB_TOKEN", "GITLAB_DEPLOY_TOKEN", "CI_JOB_TOKEN", "HF_TOKEN", "SLACK_BOT_TOKEN", "VAULT_TOKEN",
        "SONAR_TOKEN", "CARGO_REGISTRY_TOKEN", "NODE_AUTH_TOKEN", "TWINE_PASSWORD", "DB_PASSWORD", "POSTGRES_PASSWORD",
        "MYSQL_ROOT_PASSWORD", "PGPASSWORD", "MYSQL_PWD", "SSHPASS_PASSWD", "GPG_PASSPHRASE", "PASS", "SMTP_PASS", "REGISTRY_PASS",
        "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_CLIENT_SECRET", "AZURE_STORAGE_KEY", "AZURE_STORAGE_CONNECTION_STRING",
        "GOOGLE_CREDENTIALS", "GCP_CREDENTIALS_JSON", "API_KEY", "OPENAI_API_KEY", "APIKEY", "STRIPE_APIKEY", "SENTRY_DSN",
        "SSH_PRIVATE_KEY", "SIGNING_KEY", "ENCRYPTION_KEY", "DEPLOY_KEY_BASE64", "TLS_KEY_PEM", "GITHUB_PAT", "DOCKER_AUTH_CONFIG",
        "NPM_CONFIG__AUTH", "TS_AUTHKEY", "GPG_PRIVATE_KEY", "ARTIFACTORY_ACCESS_KEY", "COMPOSER_AUTH", "FTPPASS", "DBPASSW", "DB_PASSWORT",
        "SSH_PASS_PHRASE", "MOT_DE_PASSE", "PW", "ADMIN_PW", "ROOTPW", "NEXUS_PSW", "CRED", "REGISTRY_CREDS", "AUTH", "PAT", "COOKIE",
        "ERLANG_COOKIE", "AUTH_SALT", "APPKEY", "SALES_APPKEY", "LICENSEKEY", "KUBECONFIG_B64", "BUNDLE_GEMS__EXAMPLE__COM"})
    EXPECT_TRUE(rules.is_secret(name)) << name;
}

TEST(NameRules, ReadSmallLettersDashesAndDotsAlike) {
  const NameRules rules;
  for (const char* name : {"npm_token", "Npm-Token", "com.example.api-key", "spring.datasource.password", "_authToken", "x-api-token",
                           "--build-token", "clientSecret"})
    EXPECT_TRUE(rules.is_secret(name)) << name;
}

TEST(NameRules, LeaveNamesAloneThatHoldTheWordButNoSecret) {
  const NameRules rules;
  for (const char* name :
       {"AWS_ACCESS_KEY_ID", "KEY_ID", "SIGNING_KEY_ID", "TOKENIZER", "TOKENIZERS_PARALLELISM", "HF_TOKENIZER_PATH", "CREDENTIAL_ID",
        "GOOGLE_APPLICATION_CREDENTIALS_FILE", "DB_PASSWORD_FILE", "SECRET_NAME", "TOKEN_URL", "TOKEN_ENDPOINT", "TOKEN_TTL",
        "ACCESS_TOKEN_EXPIRES_IN", "PASSWORD_MIN_LENGTH", "PASSWORD_RESET_TIMEOUT", "MAX_TOKENS", "MAX_TOKENS_PER_REQUEST", "GPG_KEY",
        "PYTHON_GPG_KEY", "GPG_KEYS", "NGINX_GPGKEY", "SSH_PUBLIC_KEY", "DEPLOY_PUBKEY", "PRIMARY_KEY", "CACHE_KEY", "SECRET_VERSION",
        "TOKEN_TYPE", "API_KEY_HEADER", "KEY_SHA256", "PASSWORD_POLICY", "AUTH_SECRET_PATH", "SECRETS_DIR", "CSRF_TOKEN_ENABLED",
        "SECRET_BACKEND", "SECRETS_PROVIDER", "PASSWORD_HASHER", "TOKEN_AUDIENCE", "TOKEN_ADDRESS", "PASSWORD_MAX_DAYS", "TOKEN_LIFETIME",
        "SECRET_SCANNING", "TOKEN_ISSUER", "SECRETS_PROJECT", "TOKEN_METHOD", "I18N_KEY", "RECAPTCHA_SITE_KEY", "NEXT_PUBLIC_API_KEY",
        "SUPABASE_ANON_KEY"})
    EXPECT_FALSE(rules.is_secret(name)) << name;
}

TEST(NameRules, HaveNothingToDoWithOtherNames) {
  const NameRules rules;
  for (const char* name : {"", "PATH", "HOME", "PWD", "OLDPWD", "LANG", "VERSION", "NODE_ENV", "DEBIAN_FRONTEND", "KEY", "KEYBOARD", "MONKEY",
                           "COMPASS", "BYPASS", "PASSENGER_APP_ENV", "SSH_AUTH_SOCK", "AUTHOR", "PATCH", "HTTP_PROXY", "maintainer",
                           "org.opencontainers.image.source", "JAVA_OPTS"})
    EXPECT_FALSE(rules.is_secret(name)) << name;
}

TEST(NameRules, TakePatternsAndExceptionsOfThePerson) {
  NameRules rules;
  const std::vector<std::string> names{"*_license"}, exceptions{"harmless-token"};
  rules.add(names, exceptions);
  EXPECT_TRUE(rules.is_secret("BUILD_LICENSE"));
  EXPECT_TRUE(rules.is_secret("build-license"));
  EXPECT_FALSE(rules.is_secret("HARMLESS_TOKEN"));
  EXPECT_TRUE(rules.is_secret("NPM_TOKEN"));
  const NameRules only({"ONLY"}, {});
  EXPECT_TRUE(only.is_secret("only"));
  EXPECT_FALSE(only.is_secret("TOKEN"));
}

TEST(CanBeSecret, IsFalseForWhatStandsInASecretsPlace) {
  for (const char* value : {"", " ", "\"\"", "''", "true", "False", "YES", "off", "none", "null", "0", "1", "-", "n/a", "default",
                            "$TOKEN", "${TOKEN}", "${TOKEN:-}", "$(cat /run/secrets/x)", "\"$TOKEN\"", "/run/secrets/token", "***",
                            "xxxxxxxx", "********", "...", "<token>", "'<your key>'", "bearer", "OIDC", "disabled", "/certs/tls.key", "./id_rsa",
                            "~/.ssh/id_ed25519", "https://login.example.org/realms/main", "redis://cache:6379/0", "https://registry-production-europe.example.org/authorization-callback"})
    EXPECT_FALSE(can_be_secret(value)) << value;
}

TEST(CanBeSecret, IsTrueForEverythingElse) {
  for (const char* value : {"a", "hunter2", "\"quoted\"", "$", "pa$$word", "$ecret!", "${half", "2", "truely", "<half", "a b c", "/a", "/Kx9vPq+/aLm",
                            "redis://:hunter2@cache:6379", "https://example.org/?key=a", "https://hooks.example.org/services/Kx9vPqaLmR5tYwZ2bN", "https://hooks.example.org/t/aB3xK9mQ2z",
                            "https://4f9c2b7e1d8a4f9c2b7e.example.net/rpc", "xK9://mQ2zLpW7tRvB"})
    EXPECT_TRUE(can_be_secret(value)) << value;
  EXPECT_TRUE(can_be_secret(test::new_secret()));
}

TEST(IsSearchable, WantsEightBytesOfFourKindsThatAreNotCommon) {
  for (const char* value : {"", "short", "seven77", "password", "Changeme", "PRODUCTION", "12345678", "aaaaaaaaaaaa", "abababababab", "abcabcabcabc"})
    EXPECT_FALSE(is_searchable(value)) << value;
  EXPECT_TRUE(is_searchable("correct-horse"));
  EXPECT_TRUE(is_searchable("abcdabcd"));
  EXPECT_TRUE(is_searchable(test::new_secret()));
}

TEST(CanBeTraced, IsFalseForWhatInnocentObjectsHold) {
  for (const char* value : {"WordPress", "/usr/local", "/opt/tool-x/bin", "mysql123", "Hunter2023", "production1", "MYSQL2023"}) {
    EXPECT_FALSE(can_be_traced(value)) << value;
    EXPECT_TRUE(is_searchable(value)) << value << ": who declares it knows";
  }
  EXPECT_FALSE(can_be_traced("password"));
  EXPECT_TRUE(can_be_traced("/Kx9vPq+/aLm"));
  for (const char* value : {"hunter20231", "qWzXkRvTbN", "QwzxkrvTbn", "HUNTERx2"}) EXPECT_TRUE(can_be_traced(value)) << value;
  EXPECT_TRUE(can_be_traced("correcthorse"));
  EXPECT_TRUE(can_be_traced(test::new_secret()));
}

TEST(IsPresetPassword, IsTrueForWhatServicesAreTriedWith) {
  for (const char* value : {"guest", "Postgres", "root", "password"}) EXPECT_TRUE(is_preset_password(value)) << value;
  for (const char* value : {"guest1", "hunter2", "correct-horse"}) EXPECT_FALSE(is_preset_password(value)) << value;
}

TEST(NameRules, AreTheSameTextForTheSameRules) {
  const std::vector<std::string> one{"A"}, other{"B"};
  NameRules with_one, with_other;
  with_one.add(one, other);
  with_other.add(other, one);
  EXPECT_EQ(NameRules().text(), NameRules().text());
  EXPECT_NE(with_one.text(), NameRules().text());
  EXPECT_NE(with_one.text(), with_other.text());
}

}  // namespace
}  // namespace cleanerd::secrets
