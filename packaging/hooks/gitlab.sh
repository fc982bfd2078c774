#!/bin/sh
# GitLab Runner: pre_build_script runs it with begin, post_build_script with end. $CI_PROJECT_DIR.tmp is the runner's own folder for the job.
"${CLEANERD_HOOKS:-/usr/share/cleanerd/hooks}/session.sh" "${1:-}" "$CI_PROJECT_DIR.tmp" "$CI_PROJECT_PATH/$CI_JOB_ID" CI_JOB_TOKEN CI_REGISTRY_PASSWORD CI_DEPLOY_PASSWORD
