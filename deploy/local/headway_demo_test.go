package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/explain"
)

func TestReadDemo(t *testing.T) {
	const (
		building = `{"metadata":{"name":"hello-1"},"spec":{"app":"hello"},"status":{"conditions":[{"type":"Built","status":"Unknown","reason":"Building","message":"step \"build\" is running"}]}}`
		broken   = `{"metadata":{"name":"hello-2"},"spec":{"app":"hello"},"status":{"conditions":[{"type":"Built","status":"False","reason":"InvalidArgs","message":"no such argument\nbuild.args"}]}}`
		waiting  = `{"metadata":{"name":"hello"},"status":{"conditions":[{"type":"Ready","status":"Unknown","reason":"Waiting"}]}}`
		serving  = `{"metadata":{"name":"hello"},"status":{"conditions":[{"type":"Ready","status":"True","reason":"Live"}]}}`
	)
	for _, test := range []struct {
		name, app, revisions string
		want                 explain.Finding
	}{
		{"no revision yet", waiting, ``, explain.Finding{Severity: explain.Underway, Text: "a revision of app hello"}},
		{"building", waiting, building, explain.Finding{Severity: explain.Underway, Text: `revision hello-1: Building: step "build" is running`}},
		{"broken", waiting, broken + "," + building, explain.Finding{Severity: explain.Failed, Text: "revision hello-2: InvalidArgs: no such argument\nbuild.args"}},
		{"live, newer push broken", serving, broken, explain.Finding{Severity: explain.Good, Text: "app hello is live"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := readDemo(`{"repositories":[],"apps":[` + test.app + `],"revisions":[` + test.revisions + `]}`)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
