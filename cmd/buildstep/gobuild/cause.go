package gobuild

import (
	"regexp"
	"slices"
	"strings"
)

// firstError is the cause of a Go build that failed: the first line that is
// about an error, with the lines that are indented below it, such as what to
// type against it or a chain of imports.
type firstError struct {
	text string
	open bool // the line before belongs to text
}

// progress begins the lines that the Go command prints when nothing is wrong.
var progress = []string{"# ", "compiling ", "go: downloading ", "go: extracting ", "go: finding ", "go: added ", "go: upgraded ", "go: warning: "}

// Line takes the next line of the Go command.
func (f *firstError) Line(line string) {
	indented := strings.HasPrefix(line, "\t")
	switch {
	case f.open && indented:
		f.text += " " + strings.TrimSpace(line)
	case f.text == "" && !indented && !slices.ContainsFunc(progress, func(prefix string) bool { return strings.HasPrefix(line, prefix) }):
		f.text, f.open = strings.TrimSpace(line), true
	default:
		f.open = false
	}
}

// unfetched is what the Go command says of a module that neither the proxy nor
// a git server gave without credentials.
var unfetched = regexp.MustCompile(`@v[^ ]+: reading https?://[^ ]+: 4\d\d |git (ls-remote|init|fetch) |exec: "git": executable file not found`)

// calling is how the Go command names its call of git, with folders of this
// build.
var calling = regexp.MustCompile(`git [a-z-]+ .*?: exit status \d+: `)

func (f *firstError) String() string {
	if !unfetched.MatchString(f.text) {
		return f.text
	}
	return calling.ReplaceAllString(f.text, "") + `; if the module is private, name a Secret for its server in spec.modules of the Repository, or commit the module with "go mod vendor"`
}
