#!/bin/sh
# Azure Pipelines agent: a job's first step runs it with begin, its last with end.
"${CLEANERD_HOOKS:-/usr/share/cleanerd/hooks}/session.sh" "${1:-}" "$AGENT_TEMPDIRECTORY" "$SYSTEM_TEAMPROJECT/$BUILD_BUILDID/$SYSTEM_JOBID" SYSTEM_ACCESSTOKEN
