#!/bin/sh
# Jenkins: the pipeline's first step runs it with begin, post { always } with end.
"${CLEANERD_HOOKS:-/usr/share/cleanerd/hooks}/session.sh" "${1:-}" "${WORKSPACE_TMP:-$WORKSPACE@tmp}" "$BUILD_TAG"
