#!/bin/sh
# Buildkite agent: hooks/pre-command. The agent reads it with bash, so that nothing here may exit.
"${CLEANERD_HOOKS:-/usr/share/cleanerd/hooks}/session.sh" begin "$BUILDKITE_BUILD_PATH" "$BUILDKITE_PIPELINE_SLUG/$BUILDKITE_JOB_ID" BUILDKITE_AGENT_ACCESS_TOKEN
