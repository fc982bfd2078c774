#!/bin/sh
# Buildkite agent: hooks/pre-exit. It runs however the command ended.
"${CLEANERD_HOOKS:-/usr/share/cleanerd/hooks}/session.sh" end "$BUILDKITE_BUILD_PATH" "$BUILDKITE_PIPELINE_SLUG/$BUILDKITE_JOB_ID"
