package table

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/activator/backend"
)

// users are as many as there are requests in the bench of a split.
const users = 20_000

var byHeader = &v1alpha1.Sticky{Header: "X-User"}

// shop is a sticky Route with a candidate and two shares; what has no weight is
// not in it.
func shop(candidate, beta, feature int) Route {
	r := Route{Namespace: "n", Name: "shop", App: "shop", Hosts: []string{"h"}, Sticky: byHeader,
		Traffic: []Share{{Revision: "stable", Weight: v1alpha1.Whole - candidate - beta - feature}}}
	for _, s := range []Share{
		{Revision: "next", Weight: candidate, Salt: "next"}, // in front of the shares on purpose
		{Revision: "beta", Weight: beta, Salt: "refs/heads/beta"},
		{Revision: "feature", Weight: feature, Salt: "refs/heads/feature"},
	} {
		if s.Weight > 0 {
			r.Traffic = append(r.Traffic, s)
		}
	}
	return r
}

func shopRevisions(t testing.TB) map[Key]*backend.Revision {
	return revisions(t, "n/stable", "n/next", "n/beta", "n/feature")
}

// where each of the users goes.
func where(r Route, all map[Key]*backend.Revision) map[string]map[int]bool {
	table := Compile([]Route{r}, all)
	places := map[string]map[int]bool{}
	for user := range users {
		to := table.Resolve(request{host: "h", header: map[string]string{"X-User": strconv.Itoa(user)}}).Revision.Name
		if places[to] == nil {
			places[to] = map[int]bool{}
		}
		places[to][user] = true
	}
	return places
}

// TestStickyUsersStay takes a candidate through its steps beside two shares:
// each target has its weight within half a point, and no user goes back.
func TestStickyUsersStay(t *testing.T) {
	all := shopRevisions(t)
	var before map[string]map[int]bool
	for _, candidate := range []int{0, 1, 100, 500, 1000, 2500, 5000, 0} {
		places := where(shop(candidate, 1000, 2000), all)
		for name, weight := range map[string]int{"next": candidate, "beta": 1000, "feature": 2000, "stable": 7000 - candidate} {
			near(t, fmt.Sprintf("%s beside a candidate of %s", name, v1alpha1.Percent(int32(candidate))), len(places[name]), users, float64(weight)/v1alpha1.Whole, 4)
		}
		for name, had := range before {
			stay := name == "beta" || name == "feature" || name == "next" && candidate > 0
			for user := range had {
				if stay && !places[name][user] {
					t.Fatalf("at %s user %d was taken from %s", v1alpha1.Percent(int32(candidate)), user, name)
				}
			}
		}
		before = places
	}
}

// TestTenPercentOfStickyUsers has users with random ids, as the activator's own
// cookie gives them. By chance 20,000 of them miss 10% by more than half a point
// in 2 of 100 runs; these do not.
func TestTenPercentOfStickyUsers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	table := Compile([]Route{shop(1000, 0, 0)}, shopRevisions(t))
	got := 0
	for range users {
		id := strconv.FormatUint(random.Uint64(), 36)
		if table.Resolve(request{host: "h", header: map[string]string{"X-User": id}}).Revision.Name == "next" {
			got++
		}
	}
	if share := float64(got) / users; share < 0.095 || share > 0.105 {
		t.Errorf("%.2f%% of the users, want 10%% within half a point", 100*share)
	}
}

// FuzzStickyIsMonotone raises one weight at the cost of stable: who was there
// stays there, and users of other shares move to nobody else.
func FuzzStickyIsMonotone(f *testing.F) {
	f.Add(100, 400, 1000, 2000, "4711")
	f.Add(0, 1, 0, 9000, "")
	f.Add(9998, 1, 1, 0, "\x00;\"")
	all := shopRevisions(f)
	f.Fuzz(func(t *testing.T, low, more, beta, feature int, user string) {
		bound := func(n, most int) int { return max(0, min(n, most)) }
		beta = bound(beta, v1alpha1.Whole)
		feature = bound(feature, v1alpha1.Whole-beta)
		low = bound(low, v1alpha1.Whole-beta-feature)
		more = bound(more, v1alpha1.Whole-beta-feature-low)
		to := func(candidate int) string {
			r := request{host: "h", header: map[string]string{"X-User": user}}
			m := Compile([]Route{shop(candidate, beta, feature)}, all).Resolve(r)
			m.Place.Leave(false)
			return m.Revision.Name
		}
		if user == "" || low == 0 {
			return // drawn, or no candidate to stay with
		}
		if before, after := to(low), to(low+more); before != after && (before != "stable" || after != "next") {
			t.Errorf("user %q goes from %s to %s when the candidate's weight rises from %d by %d", user, before, after, low, more)
		}
	})
}

func TestUserKey(t *testing.T) {
	for _, c := range []struct {
		name        string
		sticky      *v1alpha1.Sticky
		request     request
		key, cookie string // "*": a new one
	}{
		{"not sticky", nil, request{cookie: map[string]string{StickyCookie: "a"}}, "", ""},
		{"header", byHeader, request{header: map[string]string{"X-User": "anna"}}, "anna", ""},
		{"no header", byHeader, request{}, "", ""},
		{"cookie of the app", &v1alpha1.Sticky{Cookie: "session"}, request{cookie: map[string]string{"session": "s1"}}, "s1", ""},
		{"no cookie of the app", &v1alpha1.Sticky{Cookie: "session"}, request{}, "", ""},
		{"own", &v1alpha1.Sticky{}, request{cookie: map[string]string{StickyCookie: "a"}}, "a", ""},
		{"own, empty", &v1alpha1.Sticky{}, request{cookie: map[string]string{StickyCookie: ""}}, "", ""},
		{"own, new", &v1alpha1.Sticky{}, request{}, "*", "headway-sticky=*; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"},
		{"own, new, behind TLS", &v1alpha1.Sticky{}, request{header: map[string]string{"X-Forwarded-Proto": "HTTPS, http"}}, "*",
			"headway-sticky=*; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure"},
		{"own, new, behind something else", &v1alpha1.Sticky{}, request{header: map[string]string{"X-Forwarded-Proto": "http, https"}}, "*",
			"headway-sticky=*; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"},
	} {
		key, cookie := userKey(c.sticky, c.request)
		if c.key == "*" && len(key) >= 26 { // 128 random bits
			cookie, key = strings.ReplaceAll(cookie, key, "*"), "*"
		}
		if diff := cmp.Diff([]string{c.key, c.cookie}, []string{key, cookie}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestWhoTellsOfNoUserIsSplit: nobody shares a fate with all who are anonymous.
func TestWhoTellsOfNoUserIsSplit(t *testing.T) {
	table := Compile([]Route{shop(5000, 0, 0)}, shopRevisions(t))
	got := 0
	for range v1alpha1.Whole {
		if m := table.Resolve(request{host: "h"}); m.Revision.Name == "next" {
			got++
		}
	}
	if got != v1alpha1.Whole/2 {
		t.Errorf("%d of %d, want half", got, v1alpha1.Whole)
	}
}

// TestBucketsAreSpread checks the hash on texts that differ little.
func TestBucketsAreSpread(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, key := range map[string]func(int) string{
		"numbers": strconv.Itoa,
		"padded":  func(i int) string { return fmt.Sprintf("user-%012d", i) },
		"random":  func(int) string { return strconv.FormatUint(random.Uint64(), 36) },
	} {
		below := 0
		for i := range 5 * users {
			if hashOffset.text("n").text("shop").text("next").text(key(i)).bucket() < 500 {
				below++
			}
		}
		near(t, name, below, 5*users, 0.05, 5)
	}
	if hashOffset.text("ab").text("c") == hashOffset.text("a").text("bc") {
		t.Error("where one text ends makes no difference")
	}
}

func TestCookie(t *testing.T) {
	for _, c := range []struct {
		field, value string
		ok           bool
	}{
		{"a=1", "1", true},
		{"b=2; a=1", "1", true},
		{"b=2;a=1", "1", true},
		{"a=1; a=2", "1", true},
		{" a = 1 ", "1", true},
		{`a="1"`, "1", true},
		{`a="1`, `"1`, true},
		{`a="`, `"`, true},
		{"a=1=2", "1=2", true},
		{"a=", "", true},
		{"a", "", false},
		{"A=1", "", false},
		{"aa=1; =a; b=a=1", "", false},
		{`b="x; a=1"`, `1"`, true}, // a semicolon ends a cookie, quoted or not
		{"", "", false},
		{";;;==;", "", false},
		{strings.Repeat("b=2; ", 10_000) + "a=1", "1", true},
	} {
		value, ok := Cookie(c.field, "a")
		bytes, bytesOK := Cookie([]byte(c.field), "a")
		if value != c.value || ok != c.ok || string(bytes) != c.value || bytesOK != c.ok {
			t.Errorf("%.40q: %q, %v and %q, %v, want %q, %v", c.field, value, ok, bytes, bytesOK, c.value, c.ok)
		}
	}
}

func FuzzCookie(f *testing.F) {
	f.Add(`a="1"; b=2`, "b")
	f.Add("=;a=;;", "")
	f.Fuzz(func(t *testing.T, field, name string) {
		value, ok := Cookie(field, name)
		if bytes, same := Cookie([]byte(field), name); same != ok || string(bytes) != value {
			t.Errorf("%q as a string has %q, as bytes %q", field, value, bytes)
		}
		if !strings.Contains(field, value) || strings.Contains(value, ";") {
			t.Errorf("%q has no cookie of value %q", field, value)
		}
	})
}
