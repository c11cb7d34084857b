package main

import "testing"

// TestIdleForges: where there are entity tags, only the first answers are paid for;
// GitLab's project is asked for beside.
func TestIdleForges(t *testing.T) {
	for kind, want := range map[string]struct{ asked, paid int }{
		"github": {114 * idleRepositories, idleRepositories},
		"gitlab": {115 * idleRepositories, 2 * idleRepositories},
		"gitea":  {114 * idleRepositories, 114 * idleRepositories},
	} {
		asked, paid, err := idle(t.Context(), kind)
		if err != nil || asked != want.asked || paid != want.paid {
			t.Errorf("%s: %d requests, of which %d are answered in full; want %+v: %v", kind, asked, paid, want, err)
		}
	}
}
