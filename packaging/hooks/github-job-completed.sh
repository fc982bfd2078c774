#!/bin/sh
# GitHub Actions runner: ACTIONS_RUNNER_HOOK_JOB_COMPLETED
"${CLEANERD_HOOKS:-/usr/share/cleanerd/hooks}/session.sh" end "$RUNNER_TEMP" "$GITHUB_REPOSITORY/$GITHUB_RUN_ID/$GITHUB_RUN_ATTEMPT/$GITHUB_JOB"
