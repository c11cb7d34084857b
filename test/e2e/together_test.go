//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/headway-dev/headway/test/localcluster"
)

// TestTenWakeTogether: ten apps of one repository sleep; a request to each of
// them and a hundred to one, all at the same moment, are answered.
func TestTenWakeTogether(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.cloneFrom(filepath.Join("testdata", "meter"))
	code.write("headway.yaml", meterSpec(t, "meter0", "scale: {idle: 2s}"))
	names := []string{"meter0"}
	for n := 1; n < 10; n++ {
		name := fmt.Sprintf("meter%d", n)
		code.write(name+"/headway.yaml", meterSpec(t, name, "scale: {idle: 2s}"))
		names = append(names, name)
	}
	commit := code.push("Ten apps")
	code.watch()
	for _, name := range names {
		tm.waitLive(name, commit)
	}
	for _, name := range names {
		tm.waitAsleep(revisionName(name, commit))
	}

	hundred := startHundred(tm.url(names[0]))
	each := &load{stop: func() {}}
	for _, name := range names {
		each.done.Go(func() {
			web := localcluster.Browser()
			defer web.CloseIdleConnections()
			each.ask(web, tm.url(name))
		})
	}
	if answers := each.wantNoneFailed(t); len(answers) != len(names) {
		t.Errorf("%d answers, want one of each of the ten", len(answers))
	}
	hundred.wantNoneFailed(t)
}
