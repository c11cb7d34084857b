package gittest

import "strings"

// Sign puts a signature into the last commit, as git commit -S does, and returns
// the hash that it has by then. sign gives the armoured signature of what it is
// to sign.
func (r *Repo) Sign(sign func(payload []byte) string) string {
	r.t.Helper()
	payload := r.Git("cat-file", "commit", "HEAD") + "\n"
	headers, message, _ := strings.Cut(payload, "\n\n")
	signature := strings.ReplaceAll(strings.TrimSuffix(sign([]byte(payload)), "\n"), "\n", "\n ")
	commit := r.GitInput(headers+"\ngpgsig "+signature+"\n\n"+message, "hash-object", "-t", "commit", "-w", "--stdin")
	r.Git("reset", "--quiet", "--soft", commit)
	return commit
}

// SignTag makes an annotated tag of a commit, as git tag -s does.
func (r *Repo) SignTag(name, commit string, sign func(payload []byte) string) {
	r.t.Helper()
	payload := "object " + commit + "\ntype commit\ntag " + name + "\ntagger Ada <ada@example.com> 1 +0000\n\nSigned\n"
	tag := r.GitInput(payload+sign([]byte(payload)), "hash-object", "-t", "tag", "-w", "--stdin")
	r.Git("update-ref", "refs/tags/"+name, tag)
}
