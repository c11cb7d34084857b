package gobuild

import (
	"strings"
	"testing"
)

func TestFirstError(t *testing.T) {
	const private = `if the module is private, name a Secret for its server in spec.modules of the Repository, or commit the module with "go mod vendor"`
	for _, test := range []struct{ name, output, want string }{
		{"compiler", `
go: downloading github.com/go-chi/chi/v5 v5.2.1
# example.com/shop/libs/money
libs/money/money.go:7:2: undefined: amount
libs/money/money.go:9:2: undefined: currency
# example.com/shop
./main.go:3:8: "os" imported and not used`, "libs/money/money.go:7:2: undefined: amount"},
		{"a module that go.mod does not name", `
main.go:5:2: no required module provides package example.com/words; to add it:
	go get example.com/words
web.go:5:2: no required module provides package example.com/web; to add it:
	go get example.com/web`, "main.go:5:2: no required module provides package example.com/words; to add it: go get example.com/words"},
		{"the Go command", "go: go.mod file not found in current directory or any parent directory; see 'go help modules'",
			"go: go.mod file not found in current directory or any parent directory; see 'go help modules'"},
		{"import cycle", "package example.com/shop\n\timports example.com/shop/a\n\timports example.com/shop: import cycle not allowed",
			"package example.com/shop imports example.com/shop/a imports example.com/shop: import cycle not allowed"},
		{"a type in full", "./main.go:9:3: cannot use x:\n\thave (int)\n\twant (string)\n./main.go:10:1: other",
			"./main.go:9:3: cannot use x: have (int) want (string)"},
		{"a module that the proxy refuses", "main.go:3:8: example.com/priv@v1.0.0: reading https://proxy.example.com/example.com/priv/@v/v1.0.0.zip: 403 Forbidden\n\tserver response: not available",
			`main.go:3:8: example.com/priv@v1.0.0: reading https://proxy.example.com/example.com/priv/@v/v1.0.0.zip: 403 Forbidden server response: not available; ` + private},
		{"a module on a git server", `main.go:3:8: unable to resolve git version: failed to execute git version: exec: "git": executable file not found in $PATH`,
			`main.go:3:8: unable to resolve git version: failed to execute git version: exec: "git": executable file not found in $PATH; ` + private},
		{"a module that wants a password", "main.go:3:8: example.com/priv@v1.0.0: invalid version: git ls-remote -q origin in /w/vcs/1: exit status 128:\n\tfatal: could not read Username for 'https://example.com': terminal prompts disabled\nConfirm the import path was entered correctly.",
			"main.go:3:8: example.com/priv@v1.0.0: invalid version: fatal: could not read Username for 'https://example.com': terminal prompts disabled; " + private},
		{"nothing", "go: downloading example.com/x v1.0.0", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var cause firstError
			for line := range strings.SplitSeq(strings.TrimPrefix(test.output, "\n"), "\n") {
				cause.Line(line)
			}
			if got := cause.String(); got != test.want {
				t.Errorf("cause %q\nwant  %q", got, test.want)
			}
		})
	}
}
