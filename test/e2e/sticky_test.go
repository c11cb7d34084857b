//go:build e2e

package e2e

import (
	"fmt"
	"math"
	"net/http"
	"net/http/cookiejar"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/headway-dev/headway/test/localcluster"
)

// TestStickyUsers: users who are told apart by a header, or by a cookie that they
// are given, keep their place while the weight rises, and as many of them as it
// says have the candidate.
func TestStickyUsers(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.cloneFrom(filepath.Join("testdata", "dying"))
	push := func(weight int32, sticky, die string) string {
		rules := fmt.Sprintf("main: {canary: {steps: [%d], every: 1h}, gates: {minRequests: 0}}", weight)
		code.write("headway.yaml", dyingSpec(rules, die)+"sticky: "+sticky+"\n")
		return code.push(fmt.Sprintf("%d%% of the users by %s", weight, sticky))
	}
	header := "{header: X-User}"
	first := push(5, header, "")
	code.watch()
	tm.waitLive("dying", first)

	second := push(5, header, "quietly never")
	tm.waitWeight("dying", second, 500)
	const many = 20_000 // one deviation of the share is 0.15 points
	places := newCrowd(many, false).ask(tm, second)
	share := 100 * float64(count(places)) / many
	t.Logf("%.2f%% of %d users have the candidate", share, many)
	if math.Abs(share-5) > 0.5 {
		t.Errorf("%.2f%% of the users have it, want 5%% +- 0.5", share)
	}
	some := newCrowd(5000, false)
	for _, weight := range []int32{30, 60} {
		push(weight, header, "quietly never")
		tm.waitWeight("dying", second, 100*weight)
		places = some.stay(tm, second, places, weight)
	}

	push(60, "cookie", "quietly never")
	third := push(10, "cookie", "quietly neither")
	tm.waitWeight("dying", third, 1000)
	people := newCrowd(200, true)
	places = people.ask(tm, third)
	for _, weight := range []int32{40, 80} {
		push(weight, "cookie", "quietly neither")
		tm.waitWeight("dying", third, 100*weight)
		places = people.stay(tm, third, places, weight)
	}
}

// crowd are users who ask one after the other, 16 at a time.
type crowd struct {
	users int
	jars  []http.CookieJar // of users with cookies
}

func newCrowd(users int, cookies bool) *crowd {
	c := &crowd{users: users}
	if cookies {
		c.jars = make([]http.CookieJar, users)
		for i := range c.jars {
			c.jars[i], _ = cookiejar.New(nil) // never fails
		}
	}
	return c
}

// ask has each user ask once, and reports whether a commit answered.
func (c *crowd) ask(tm *team, commit string) []bool {
	tm.Helper()
	places, failed := make([]bool, c.users), make([]error, c.users)
	var done sync.WaitGroup
	const workers = 16
	for worker := range workers {
		done.Go(func() {
			web := localcluster.Browser()
			defer web.CloseIdleConnections()
			for user := worker; user < c.users; user += workers {
				request, err := http.NewRequestWithContext(tm.Context(), http.MethodGet, tm.url("dying"), nil)
				if err != nil {
					failed[user] = err
					continue
				}
				request.Header.Set("X-User", fmt.Sprint("user-", user))
				if c.jars != nil {
					web.Jar = c.jars[user]
				}
				var answer localcluster.Answer
				answer, failed[user] = localcluster.Do(web, request)
				places[user] = strings.TrimSpace(answer.Body) == commit
			}
		})
	}
	done.Wait()
	for user, err := range failed {
		if err != nil {
			tm.Fatalf("user %d: %v", user, err)
		}
	}
	return places
}

// stay has each user ask at a higher weight. Those who had the commit before
// have it still.
func (c *crowd) stay(tm *team, commit string, before []bool, weight int32) []bool {
	tm.Helper()
	places, left := c.ask(tm, commit), 0
	for user, has := range places {
		if before[user] && !has {
			left++
		}
	}
	share := 100 * float64(count(places)) / float64(c.users)
	deviation := math.Sqrt(float64(weight) * float64(100-weight) / float64(c.users))
	tm.Logf("%.2f%% of %d users have the candidate, %d had %d", share, c.users, count(places), count(before[:c.users]))
	if left > 0 {
		tm.Errorf("at %d%%, %d of %d users have lost their place", weight, left, count(before[:c.users]))
	}
	if math.Abs(share-float64(weight)) > 4*deviation {
		tm.Errorf("%.2f%% of the users have it, want %d%% +- %.2f", share, weight, 4*deviation)
	}
	return places
}

func count(places []bool) (n int) {
	for _, has := range places {
		if has {
			n++
		}
	}
	return n
}
