package dockerfile

import (
	"strings"
	"testing"
)

func TestSolveError(t *testing.T) {
	for _, test := range []struct{ name, output, want string }{
		{"a command failed", `
#6 [2/3] RUN npm run build
#6 0.312 error: this is the command's own line
#6 0.320 sh: 1: tsc: not found
#6 ERROR: process "/bin/sh -c npm run build" did not complete successfully: exit code: 127
------
 > [2/3] RUN npm run build:
0.320 sh: 1: tsc: not found
------
Dockerfile:3
--------------------
   1 |     FROM node:22
   2 |     COPY . .
   3 | >>> RUN npm run \
   4 | >>>   build
   5 |     CMD ["node", "dist"]
--------------------
error: failed to solve: process "/bin/sh -c npm run build" did not complete successfully: exit code: 127`,
			"Dockerfile:3: RUN npm run: exit code 127"},
		{"a file is missing", `
Dockerfile.prod:2
--------------------
   2 | >>> COPY go.mod /
--------------------
error: failed to solve: failed to compute cache key: failed to calculate checksum of ref x: "/go.mod": not found`,
			`Dockerfile.prod:2: COPY go.mod /: failed to compute cache key: failed to calculate checksum of ref x: "/go.mod": not found`},
		{"no place", "error: failed to solve: failed to read dockerfile: unknown instruction: RUNN",
			"failed to read dockerfile: unknown instruction: RUNN"},
		{"not the solver", "error: failed to dial", "failed to dial"},
		{"nothing", "#1 [internal] load build definition", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var cause solveError
			for line := range strings.SplitSeq(strings.TrimPrefix(test.output, "\n"), "\n") {
				cause.Line(line)
			}
			if got := cause.String(); got != test.want {
				t.Errorf("cause %q\nwant  %q", got, test.want)
			}
		})
	}
}
