package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadState(t *testing.T) {
	const (
		synced   = `{"kind":"Repository","metadata":{"name":"hello"},"status":{"conditions":[{"type":"Ready","status":"True","reason":"Synced"}]}}`
		refused  = `{"kind":"Repository","metadata":{"name":"hello"},"status":{"conditions":[{"type":"Ready","status":"False","reason":"AuthenticationFailed","message":"check the password\nand more"}]}}`
		building = `{"kind":"Revision","metadata":{"name":"hello-1"},"spec":{"app":"hello"},"status":{"conditions":[{"type":"Built","status":"Unknown","reason":"Building"},{"type":"Ready","status":"Unknown","reason":"NotBuilt","message":"building"}]}}`
		broken   = `{"kind":"Revision","metadata":{"name":"hello-1"},"spec":{"app":"hello"},"status":{"conditions":[{"type":"Ready","status":"False","reason":"NotBuilt","message":"step build failed\nmain.go:1: syntax error"}]}}`
		foreign  = `{"kind":"Revision","metadata":{"name":"shop-1"},"spec":{"app":"shop"},"status":{"conditions":[{"type":"Ready","status":"False","reason":"NotBuilt","message":"not ours"}]}}`
		waiting  = `{"kind":"App","metadata":{"name":"hello"},"status":{"conditions":[{"type":"Ready","status":"Unknown","reason":"Waiting"}]}}`
		serving  = `{"kind":"App","metadata":{"name":"hello"},"status":{"conditions":[{"type":"Ready","status":"True","reason":"Live"}]}}`
	)
	for _, test := range []struct {
		name, items string
		want        demoState
	}{
		{"nothing yet", ``, demoState{line: "Headway to look at the repository"}},
		{"seen", synced, demoState{line: "Headway to look at the repository"}},
		{"refused", refused, demoState{line: "repository hello: AuthenticationFailed: check the password"}},
		{"building", synced + "," + building + "," + waiting, demoState{line: "revision hello-1: NotBuilt: building"}},
		{"broken", synced + "," + broken + "," + waiting, demoState{line: "revision hello-1: NotBuilt: step build failed\nmain.go:1: syntax error", failed: true}},
		{"another app's failure", synced + "," + foreign + "," + waiting, demoState{line: "Headway to look at the repository"}},
		{"live, newer push broken", synced + "," + broken + "," + serving, demoState{line: "app hello is live", live: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := readState(`{"items":[` + test.items + `]}`)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(demoState{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}
