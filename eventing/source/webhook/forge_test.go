package webhook

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/source"
)

var (
	pushes = types.NamespacedName{Namespace: "shop", Name: "pushes"}
	noon   = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
)

// headers are pairs of a name and a value.
func headers(pairs ...string) http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

// TestEvent has, of each forge, what events become: the tables of the specification,
// and what is not in them.
func TestEvent(t *testing.T) {
	const hub = `"repository": {"url": "https://api.github.com/repos/a/b", "html_url": "https://github.com/a/b", "name": "b", "owner": {"url": "https://api.github.com/users/a"}, "updated_at": "2026-05-01T10:00:00Z"}`
	const lab = `"repository": {"homepage": "https://gitlab.com/a/b"}, "project": {"web_url": "https://gitlab.com/a/b-project"}`
	for _, tc := range []struct {
		forge, name, body string
		want              string // type, source, subject and time
	}{
		{"github", "push", `{"ref": "refs/heads/main", ` + hub + `}`, "com.github.push https://api.github.com/repos/a/b refs/heads/main 12:00"},
		{"github", "issues", `{"action": "opened", "issue": {"number": 7, "updated_at": "2026-05-02T10:00:00Z"}, ` + hub + `}`, "com.github.issue.opened https://api.github.com/repos/a/b 7 2026-05-02T10:00:00Z"},
		{"github", "check_run", `{"action": "created", "check_run": {"id": 123456789012, "completed_at": null, "started_at": "2026-05-02T10:00:00Z"}, ` + hub + `}`, "com.github.check_run.created https://api.github.com/repos/a/b 123456789012 2026-05-02T10:00:00Z"},
		{"github", "create", `{"ref": "v1", "ref_type": "tag", ` + hub + `}`, "com.github.create.tag https://api.github.com/repos/a/b v1 12:00"},
		{"github", "commit_comment", `{"action": "created", "comment": {"id": 1, "url": "https://api.github.com/c/1", "commit_id": "abc", "updated_at": "2026-05-02T10:00:00Z"}, ` + hub + `}`, "com.github.commit_comment.created https://api.github.com/c/1/abc 1 2026-05-02T10:00:00Z"},
		{"github", "deployment", `{"action": "created", "deployment": {"id": 5, "updated_at": "2026-05-02T10:00:00Z"}, ` + hub + `}`, "com.github.deployment https://api.github.com/repos/a/b 5 2026-05-02T10:00:00Z"},
		{"github", "membership", `{"action": "added", "scope": "team", "team": {"url": "https://api.github.com/teams/1"}, "member": {"login": "eve"}}`, "com.github.membership.team.added https://api.github.com/teams/1 eve 12:00"},
		{"github", "marketplace_purchase", `{"action": "purchased", "sender": {"url": "https://api.github.com/users/eve"}, "marketplace_purchase": {"account": {"login": "eve"}}, "effective_date": "2026-05-02T10:00:00+02:00"}`, "com.github.marketplace_purchase.purchased https://api.github.com/users eve 2026-05-02T08:00:00Z"},
		{"github", "security_advisory", `{"action": "published", "security_advisory": {"ghsa_id": "GHSA-1", "updated_at": "2026-05-02T10:00:00Z"}}`, "com.github.security_advisory.published github.com GHSA-1 2026-05-02T10:00:00Z"},
		{"github", "public", `{` + hub + `}`, "com.github.public https://api.github.com/users/a b 2026-05-01T10:00:00Z"},
		{"github", "status", `{"state": "success", "sha": "abc", "updated_at": "2026-05-02T10:00:00Z", ` + hub + `}`, "com.github.status.success https://api.github.com/repos/a/b abc 2026-05-02T10:00:00Z"},
		{"github", "ping", `{"zen": "Keep it logically awesome.", "organization": {"url": "https://api.github.com/orgs/a"}}`, "com.github.ping https://api.github.com/orgs/a  12:00"},
		{"github", "of_tomorrow", `{"action": "risen", ` + hub + `}`, "com.github.of_tomorrow.risen https://api.github.com/repos/a/b  12:00"},
		{"github", "of_tomorrow", `{}`, "com.github.of_tomorrow /headway/shop/sources/pushes  12:00"},
		{"github", "push", `{"ref": 7, "repository": "none"}`, "com.github.push /headway/shop/sources/pushes 7 12:00"},
		{"github", "issues", `{"action": "not a word", "issue": {"number": {}, "updated_at": "yesterday"}, "repository": {"url": "ht tp://%zz"}}`, "com.github.issue /headway/shop/sources/pushes  12:00"},
		{"github", "push", `{"ref": "a\u0000b", ` + hub + `}`, "com.github.push https://api.github.com/repos/a/b  12:00"},
		{"github", "push", `{"ref": "` + strings.Repeat("x", 2000) + `", ` + hub + `}`, "com.github.push https://api.github.com/repos/a/b  12:00"},

		{"gitlab", "push", `{"object_kind": "push", "checkout_sha": "abc", ` + lab + `}`, "com.gitlab.push https://gitlab.com/a/b abc 12:00"},
		{"gitlab", "tag_push", `{"object_kind": "tag_push", "ref": "refs/tags/v1", ` + lab + `}`, "com.gitlab.tag_push https://gitlab.com/a/b refs/tags/v1 12:00"},
		{"gitlab", "issue", `{"object_attributes": {"state": "opened", "iid": 23}, ` + lab + `}`, "com.gitlab.issue.opened https://gitlab.com/a/b 23 12:00"},
		{"gitlab", "note", `{"object_attributes": {"id": 1, "noteable_type": "MergeRequest", "url": "https://gitlab.com/a/b/merge_requests/1#note_1", "created_at": "2026-05-02 10:00:00 UTC"}, ` + lab + `}`, "com.gitlab.note.merge_request https://gitlab.com/a/b/merge_requests/1 1 2026-05-02T10:00:00Z"},
		{"gitlab", "note", `{"commit": {"url": "https://gitlab.com/a/b/commit/abc"}, "object_attributes": {"id": 1, "noteable_type": "Commit", "url": "https://gitlab.com/a/b/commit/abc#note_1", "created_at": "2026-05-02T10:00:00Z"}}`, "com.gitlab.note.commit https://gitlab.com/a/b/commit/abc 1 2026-05-02T10:00:00Z"},
		{"gitlab", "pipeline", `{"object_attributes": {"id": 31, "status": "success"}, ` + lab + `}`, "com.gitlab.pipeline.success https://gitlab.com/a/b-project 31 12:00"},
		{"gitlab", "build", `{"build_id": 5, "build_status": "created", ` + lab + `}`, "com.gitlab.job.created https://gitlab.com/a/b 5 12:00"},
		{"gitlab", "release", `{"action": "create", "project": {"web_url": "https://gitlab.com/a/b"}}`, "com.gitlab.release.create https://gitlab.com/a/b  12:00"},

		{"gitea", "push", `{"ref": "refs/heads/main", "repository": {"html_url": "https://git.example/a/b"}}`, "com.gitea.push https://git.example/a/b refs/heads/main 12:00"},
		{"gitea", "pull_request", `{"action": "opened", "number": 3, "pull_request": {"updated_at": "2026-05-02T10:00:00Z"}, "repository": {"html_url": "https://git.example/a/b"}}`, "com.gitea.pull_request.opened https://git.example/a/b 3 2026-05-02T10:00:00Z"},
	} {
		t.Run(tc.forge+" "+tc.name, func(t *testing.T) {
			d, err := parseDocument([]byte(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			e := forges[tc.forge].event(pushes, tc.name, headers("X-GitHub-Delivery", "1-2", "Idempotency-Key", "1-2", "X-Gitea-Delivery", "1-2"), d, []byte(tc.body), noon)
			if err := e.Validate(); err != nil {
				t.Error(err)
			}
			got := strings.Join([]string{e.Type, e.Source, e.Subject, strings.Replace(e.Time, "2026-05-04T12:00:00Z", "12:00", 1)}, " ")
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if e.ID != "1-2" || e.DataContentType != "application/json" || string(e.Data) != tc.body || len(e.Extensions) > 0 {
				t.Errorf("got %+v", e)
			}
		})
	}
}

// TestID: without a number that can be used, the body is the id.
func TestID(t *testing.T) {
	const sum = "sha256-44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
	for _, tc := range []struct {
		forge  string
		header http.Header
		want   string
	}{
		{"github", headers("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"), "72d3162e-cc78-11e3-81ab-4c9367dc0958"},
		{"github", headers(), sum},
		{"github", headers("X-GitHub-Delivery", "a b"), sum},
		{"github", headers("X-GitHub-Delivery", strings.Repeat("a", 129)), sum},
		{"gitlab", headers("X-Gitlab-Event-UUID", "of-the-first-of-a-chain"), sum},
		{"gitlab", headers("Idempotency-Key", "f5e5f430", "Webhook-Id", "f5e5f431"), "f5e5f431"},
		{"gitea", headers("X-Gitea-Delivery", "1", "X-GitHub-Delivery", "2"), "1"},
	} {
		if got := forges[tc.forge].id(tc.header, []byte("{}")); got != tc.want {
			t.Errorf("%s %v: got %q, want %q", tc.forge, tc.header, got, tc.want)
		}
	}
}

// FuzzEvent: whatever a body and headers are, an event that is made of them is valid
// and has the body.
func FuzzEvent(f *testing.F) {
	f.Add(source.GitHub, "issues", "1", []byte(`{"action": "opened", "issue": {"number": 7}, "repository": {"url": "https://api.github.com/repos/a/b"}}`))
	f.Add(source.GitLab, "note", "", []byte(`{"object_kind": "note", "object_attributes": {"noteable_type": "Issue", "url": "https://a/b#c"}}`))
	f.Add(source.Gitea, "push", "a b", []byte(`{"ref": "\ud800", "repository": {"html_url": "//"}, "sender": []}`))
	f.Add(source.GitHub, "membership", "\n", []byte(`{"scope": "A", "action": 1e400, "team": {"url": "%"}}`))
	f.Fuzz(func(t *testing.T, kind, name, id string, body []byte) {
		forge := forges[kind]
		d, err := parseDocument(body)
		if forge == nil || err != nil {
			return
		}
		h := http.Header{"X-Github-Event": {name}, "X-Gitea-Event": {name}, "X-Github-Delivery": {id}, "X-Gitea-Delivery": {id}, "Webhook-Id": {id}}
		if name = forge.kind(h, d); !plain(name) {
			return
		}
		e := forge.event(pushes, name, h, d, body, noon)
		if err := e.Validate(); err != nil || string(e.Data) != string(body) || !strings.HasPrefix(e.Type, forge.prefix) {
			t.Errorf("%+v: %v", e, err)
		}
		kept := e.Append(nil)
		if back, err := event.Decode(kept); err != nil || back.ID != e.ID {
			t.Errorf("%v: %v", back, err)
		}
	})
}
