package gitserver

import (
	"net/http"
	"regexp"
	"strings"
)

// The two services of git's smart HTTP protocol.
const (
	uploadPack  = "git-upload-pack"  // fetch and clone
	receivePack = "git-receive-pack" // push
)

// repositoryName allows one or two plain path elements and ends in .git. An
// element starts with a letter or digit, so that neither "..", hidden files nor
// options of a command can be named.
var repositoryName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*(/[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*)?$`)

// call is a request of the smart HTTP protocol.
type call struct {
	repository string // with .git
	service    string
	advertises bool // GET info/refs, else the POST that does the work
}

// parse accepts the three requests of the smart HTTP protocol, with or without
// .git, and nothing else:
// GET /name.git/info/refs?service=…, POST /name.git/git-upload-pack and
// POST /name.git/git-receive-pack. Dumb HTTP and encoded paths are refused.
func parse(r *http.Request) (call, bool) {
	if r.URL.RawPath != "" {
		return call{}, false // %2f and friends: the path has two readings
	}
	var c call
	path := strings.TrimPrefix(r.URL.Path, "/")
	if repository, ok := strings.CutSuffix(path, "/info/refs"); ok {
		if r.Method != http.MethodGet {
			return call{}, false
		}
		c = call{repository: repository, service: r.URL.Query().Get("service"), advertises: true}
	} else {
		at := strings.LastIndexByte(path, '/')
		if at < 0 || r.Method != http.MethodPost {
			return call{}, false
		}
		c = call{repository: path[:at], service: path[at+1:]}
	}
	if c.service != uploadPack && c.service != receivePack {
		return call{}, false
	}
	// As forges do. The Go command leaves it out, and so may people.
	if !strings.HasSuffix(c.repository, ".git") {
		c.repository += ".git"
	}
	return c, validName(c.repository)
}

func validName(repository string) bool {
	name, ok := strings.CutSuffix(repository, ".git")
	if !ok || len(name) > 100 || !repositoryName.MatchString(name) {
		return false
	}
	owner, _, nested := strings.Cut(name, "/")
	// A repository inside another one's folder would be a hole in both.
	return !nested || !strings.HasSuffix(owner, ".git")
}
