package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
	"github.com/headway-dev/headway/watcher/forge/forgetest"
)

const secret = "t0ken-of-ada"

var (
	pulls    = forge.Right{Name: "pulls: read", For: "see which pull requests are open"}
	statuses = forge.Right{Name: "statuses: write", For: "set the status of commits"}
	list     = Call{Path: "repos/ada/shop/pulls", Right: pulls, Repository: true}
)

// server is a forge whose handler a test may change.
type server struct {
	*Client
	handle http.HandlerFunc
	asked  atomic.Int32
}

func serve(handle http.HandlerFunc) *server {
	s := &server{handle: handle}
	base := &url.URL{Scheme: "https", Host: "git.example.com", Path: "/api/v1"}
	transport := forgetest.Served{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		s.handle(w, r)
	})}
	s.Client = New(Config{Forge: "test", Base: base, Repository: "ada/shop", Auth: Token{"token", secret}, Account: NewAccount(transport, 0), Tags: true})
	return s
}

func answer(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

type thing struct{ ID int64 }

func (s *server) list(t *testing.T) ([]thing, error) {
	t.Helper()
	var things []thing
	call := list
	call.Into = &things
	_, err := s.Do(t.Context(), call)
	return things, err
}

func fails(t *testing.T, err error, reason, text string) *forge.Error {
	t.Helper()
	var e *forge.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no *forge.Error; want %s", err, reason)
	}
	if e.Reason != reason || !strings.Contains(e.Message, text) {
		t.Errorf("%s: %s; want %s and %q", e.Reason, e.Message, reason, text)
	}
	if strings.Contains(e.Message, secret) || strings.ContainsAny(e.Message, "\x1b\n") {
		t.Errorf("the message has what it must not: %q", e.Message)
	}
	return e
}

func TestRequest(t *testing.T) {
	s := serve(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got := []string{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header.Get("Authorization"), r.Header.Get("User-Agent"), r.Header.Get("Content-Type"), string(body)}
		want := []string{"POST", "/api/v1/projects/a%2Fb/x%20y", "q=1", "token " + secret, "headway", "application/json", `{"a":"b"}`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		answer(201, `{"id": 7}`)(w, r)
	})
	var made thing
	_, err := s.Do(t.Context(), Call{Method: "POST", Path: Path("projects", "a/b", "x y"), Query: url.Values{"q": {"1"}}, Body: map[string]string{"a": "b"}, Into: &made})
	if err != nil || made.ID != 7 {
		t.Errorf("%+v, %v", made, err)
	}
}

// TestRefusals: what an answer means, and what is asked while it counts.
func TestRefusals(t *testing.T) {
	const (
		none   = "nothing"
		others = "what needs other rights"
		again  = "the same again"
	)
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // when a bubble begins
	page := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html>log in</html>")
	}
	tests := []struct {
		name         string
		handle       http.HandlerFunc
		reason, text string
		still        string // what is still asked
		wait         time.Duration
	}{
		{"wrong credentials", answer(401, `{"message":"Bad credentials"}`), v1alpha1.ReasonAuthenticationFailed, "refused the credentials", none, time.Minute},
		{"a right is missing", answer(403, `{"message":"Resource not accessible by integration"}`), v1alpha1.ReasonRightMissing, `the right "pulls: read": it said "Resource not accessible by integration"`, others, time.Minute},
		{"primary limit", answer(403, `{"message":"API rate limit exceeded"}`, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", fmt.Sprint(now.Add(42*time.Minute).Unix())), v1alpha1.ReasonRateLimited, "takes no more requests for now", none, 42 * time.Minute},
		{"primary limit as 429", answer(429, `{}`, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", fmt.Sprint(now.Add(5*time.Minute).Unix())), v1alpha1.ReasonRateLimited, "", none, 5 * time.Minute},
		{"primary limit whose end has passed", answer(429, `{}`, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", fmt.Sprint(now.Add(-time.Minute).Unix())), v1alpha1.ReasonRateLimited, "", none, time.Second},
		{"secondary limit", answer(403, `{"message":"You have exceeded a secondary rate limit"}`, "Retry-After", "90"), v1alpha1.ReasonRateLimited, "", none, 90 * time.Second},
		{"secondary limit without a time", answer(403, `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}`, "X-RateLimit-Remaining", "4999"), v1alpha1.ReasonRateLimited, "", none, time.Minute},
		{"limit of GitLab", answer(429, "Retry later", "RateLimit-Remaining", "0", "RateLimit-Reset", fmt.Sprint(now.Add(time.Minute).Unix())), v1alpha1.ReasonRateLimited, "", none, time.Minute},
		{"a wish of ten years", answer(429, `{}`, "Retry-After", "315360000"), v1alpha1.ReasonRateLimited, "", none, time.Hour},
		{"a wish of no time", answer(429, `{}`, "Retry-After", "0"), v1alpha1.ReasonRateLimited, "", none, time.Second},
		{"a wish with a date", answer(503, `{}`, "Retry-After", now.Add(3*time.Minute).Format(http.TimeFormat)), v1alpha1.ReasonUnreachable, "answered 503", others, 3 * time.Minute},
		{"no such repository", answer(404, `{"message":"Not Found"}`), v1alpha1.ReasonRepositoryNotFound, "has no repository ada/shop", others, 5 * time.Second},
		{"broken", answer(502, "<html>Bad gateway</html>"), v1alpha1.ReasonUnreachable, "answered 502; it is tried again by itself", others, time.Minute},
		{"a wrong request", answer(422, `{"message":"Validation Failed"}`), v1alpha1.ReasonRefused, `with status 422: it said "Validation Failed"`, again, 0},
		{"problems by field", answer(400, `{"message":{"name":["is too long"]}}`), v1alpha1.ReasonRefused, "is too long", again, 0},
		{"a hostile message", answer(422, `{"message":"\u001b[31m`+secret+`\n\nx"}`), v1alpha1.ReasonRefused, `it said "[31m*** x"`, again, 0},
		{"a page", page, v1alpha1.ReasonUnreachable, `with "text/html" and not with JSON; check spec.forge.type`, others, time.Minute},
		{"half an answer", answer(200, `[{"id":1},`), v1alpha1.ReasonUnreachable, "in a form that its API does not have", others, time.Minute},
		{"an object for a list", answer(200, `{"message":"hello"}`), v1alpha1.ReasonUnreachable, "in a form", others, time.Minute},
		{"null for a list", answer(200, `null`), v1alpha1.ReasonUnreachable, "in a form", others, time.Minute},
		{"another type", answer(200, `[{"id":"one"}]`), v1alpha1.ReasonUnreachable, "in a form", others, time.Minute},
		{"a huge element", answer(200, `[{"id":1,"body":"`+strings.Repeat("x", maxObject)+`"}]`), v1alpha1.ReasonUnreachable, "more than it is asked for", others, time.Minute},
		{"too many elements", answer(200, `[`+strings.Repeat(`{},`, maxElements)+`{}]`), v1alpha1.ReasonUnreachable, "more than it is asked for", others, time.Minute},
		{"too deep", answer(200, `[`+strings.Repeat(`[`, 20000)), v1alpha1.ReasonUnreachable, "in a form", others, time.Minute},
		{"to another host", answer(302, "", "Location", "https://evil.example.com/api/v1/repos/ada/shop/pulls"), v1alpha1.ReasonUnreachable, "sends requests on to another place", none, time.Minute},
		{"to the same host without TLS", answer(301, "", "Location", "http://git.example.com/api/v1/x"), v1alpha1.ReasonUnreachable, "sends requests on", none, time.Minute},
		{"round and round", answer(301, "", "Location", "/api/v1/repos/ada/shop/pulls?x=1"), v1alpha1.ReasonUnreachable, "sends requests on", none, time.Minute},
		{"nothing has changed since never", answer(304, ""), v1alpha1.ReasonUnreachable, "", none, time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(tt.handle)
				_, err := s.list(t)
				if e := fails(t, err, tt.reason, tt.text); e.RetryAfter != tt.wait {
					t.Errorf("left alone for %s, want %s", e.RetryAfter, tt.wait)
				}
				s.asked.Store(0)
				s.handle = answer(200, `[]`)
				time.Sleep(tt.wait / 2)
				_, same := s.list(t)
				if asked := s.asked.Load() > 0; asked != (tt.still == again) {
					t.Errorf("the same is asked again: %v", asked)
				}
				if tt.still != again {
					if f := fails(t, same, tt.reason, tt.text); f.RetryAfter != tt.wait-tt.wait/2 {
						t.Errorf("%s are left, want half of %s", f.RetryAfter, tt.wait)
					}
				}
				s.asked.Store(0)
				_, err = s.Do(t.Context(), Call{Path: "x", Right: statuses})
				if asked := s.asked.Load() > 0; asked != (tt.still != none) || asked != (err == nil) {
					t.Errorf("other things are asked: %v, %v; want %s", asked, err, tt.still)
				}
				time.Sleep(tt.wait/2 + time.Nanosecond)
				if _, err := s.list(t); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			})
		})
	}
}

// TestBackoff: the time doubles from one minute to half an hour, and begins anew
// after an answer.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(answer(500, ""))
		for i, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
			_, err := s.list(t)
			if e := fails(t, err, v1alpha1.ReasonUnreachable, "500"); e.RetryAfter != want*time.Minute {
				t.Errorf("after %d failures %s, want %d min", i+1, e.RetryAfter, want)
			}
			time.Sleep(want * time.Minute)
		}
		if n := s.asked.Load(); n != 7 {
			t.Errorf("%d requests in an hour and a half", n)
		}
		s.handle = answer(200, `[]`)
		if _, err := s.list(t); err != nil {
			t.Error(err)
		}
		s.handle = answer(500, "")
		if _, err := s.list(t); fails(t, err, v1alpha1.ReasonUnreachable, "").RetryAfter != time.Minute {
			t.Errorf("after an answer: %v", err)
		}
	})
}

// TestShared: a limit counts for all repositories with the same credentials, and a
// broken answer for one.
func TestShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := serve(answer(500, ""))
		two := &server{Client: New(Config{Base: one.base, Auth: one.auth, Account: one.account})}
		_, _ = one.list(t)
		one.handle = answer(200, `[]`)
		if _, err := two.list(t); err != nil {
			t.Errorf("after a broken answer about another repository: %v", err)
		}
		time.Sleep(2 * time.Minute)
		one.handle = answer(429, `{}`)
		_, _ = one.list(t)
		if _, err := two.list(t); err == nil {
			t.Error("asked although the limit is reached")
		}
	})
}

func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		began := time.Now()
		_, err := s.list(t)
		fails(t, err, v1alpha1.ReasonUnreachable, "did not answer within 15s")
		if took := time.Since(began); took != Timeout {
			t.Errorf("took %s", took)
		}
		time.Sleep(2 * time.Minute)
		// A caller that gives up says nothing about the forge.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Do(ctx, list); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		synctest.Wait() // for the server
		s.handle = answer(200, `[]`)
		if _, err := s.list(t); err != nil {
			t.Errorf("after a caller has given up: %v", err)
		}
	})
}

// TestPace: writes keep a distance, those of all repositories together; reading
// does not wait.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(answer(201, `{}`))
		s.account.writes = NewAccount(nil, time.Second).writes
		began := time.Now()
		for range 5 {
			for _, method := range []string{"POST", "GET"} {
				if _, err := s.Do(t.Context(), Call{Method: method, Path: "x", Right: statuses}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("five writes took %s", took)
		}
		for range 70 {
			go func() { _, _ = s.Do(t.Context(), Call{Method: "POST", Path: "x", Right: statuses}) }()
		}
		synctest.Wait()
		_, err := s.Do(t.Context(), Call{Method: "POST", Path: "x", Right: statuses})
		fails(t, err, v1alpha1.ReasonRateLimited, "wait to be written")
		time.Sleep(2 * time.Minute)
	})
}

func TestTags(t *testing.T) {
	changed, sent := false, 0
	s := serve(func(w http.ResponseWriter, r *http.Request) {
		tag, body := `W/"1"`, `[{"id":1},{"id":2}]`
		if changed {
			tag, body = `W/"2"`, `[{"id":3}]`
		}
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(304)
			return
		}
		sent++
		answer(200, body, "ETag", tag, "Link", `<https://x/?page=2>; rel="next"`)(w, r)
	})
	for range 3 {
		got, err := s.list(t)
		if diff := cmp.Diff([]thing{{1}, {2}}, got); diff != "" || err != nil {
			t.Fatalf("%v %s", err, diff)
		}
		got[0].ID = 9 // the caller's own
	}
	if sent != 1 {
		t.Errorf("sent %d times", sent)
	}
	var things []thing
	call := list
	call.Into = &things
	if a, err := s.Do(t.Context(), call); err != nil || a.Next() != 2 {
		t.Errorf("the remembered answer has lost its next page: %v, %v", a, err)
	}
	changed = true
	if got, err := s.list(t); err != nil || !cmp.Equal(got, []thing{{3}}) || sent != 2 {
		t.Errorf("after a change: %v, %v", got, err)
	}
	s.handle = answer(200, `[]`) // without a tag
	_, _ = s.list(t)
	s.handle = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			t.Error("an old tag is sent")
		}
		answer(200, `[]`)(w, r)
	}
	_, _ = s.list(t)
}

// TestTagsAreBounded: what is remembered has a bound, however many answers there
// are and however long they are.
func TestTagsAreBounded(t *testing.T) {
	known := &tags{entries: map[string]entry{}}
	for i := range 5000 {
		known.put(fmt.Sprint("https://h/", i), http.Header{"Etag": {fmt.Sprint(i)}}, strings.Repeat("x", i))
		if known.size > maxTags {
			t.Fatalf("%d bytes", known.size)
		}
	}
	if len(known.entries) != len(known.order) || len(known.entries) < 100 || len(known.entries) > 200 {
		t.Errorf("%d entries, %d in order", len(known.entries), len(known.order))
	}
	known.put("https://h/huge", http.Header{"Etag": {"x"}}, strings.Repeat("x", maxTags))
	if _, ok := known.find("https://h/huge"); ok {
		t.Error("a huge one is remembered")
	}
	if _, ok := known.find("https://h/4999"); !ok {
		t.Error("the newest is forgotten")
	}
}

func TestRenamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := 0
		s := serve(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasPrefix(r.URL.Path, "/api/v1/repos/ada/shop/"):
				old++
				status := http.StatusMovedPermanently
				if r.Method != http.MethodGet {
					status = http.StatusTemporaryRedirect
				}
				http.Redirect(w, r, strings.Replace(r.URL.Path, "ada/shop", "ada/store", 1), status)
			case r.Header.Get("Authorization") != "token "+secret:
				t.Error("no credentials at the new name")
			case r.Method == http.MethodPost:
				var body map[string]string
				if json.NewDecoder(r.Body).Decode(&body) != nil || body["state"] != "success" {
					t.Errorf("the body has become %v", body)
				}
				answer(201, `{}`)(w, r)
			default:
				answer(200, `[{"id":1}]`)(w, r)
			}
		})
		for range 3 {
			if got, err := s.list(t); err != nil || len(got) != 1 {
				t.Fatalf("%v, %v", got, err)
			}
		}
		if old != 1 {
			t.Errorf("the old name was asked %d times", old)
		}
		time.Sleep(moveFor + 1)
		_, _ = s.list(t)
		if old != 2 {
			t.Errorf("after a while the old name was asked %d times", old)
		}
		if _, err := s.Do(t.Context(), Call{Method: "POST", Path: "repos/ada/shop/statuses/1", Body: map[string]string{"state": "success"}, Right: statuses}); err != nil {
			t.Error(err)
		}
		// The new name is gone: the old one is asked again.
		s.handle = answer(404, `{}`)
		_, _ = s.list(t)
		time.Sleep(2 * time.Minute)
		s.handle = func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.URL.Path, "ada/shop") {
				t.Errorf("%s is asked", r.URL)
			}
			answer(200, `[]`)(w, r)
		}
		if _, err := s.list(t); err != nil {
			t.Error(err)
		}
	})
}

// TestCredentialsStay: no redirect takes them to another host, scheme or port.
func TestCredentialsStay(t *testing.T) {
	for _, to := range []string{
		"https://evil.example.com/", "http://git.example.com/api/v1/x", "https://git.example.com:8443/x", "//evil.example.com/x",
		"https://git.example.com@evil.example.com/", "https://a:b@git.example.com/x",
	} {
		for _, method := range []string{"GET", "POST"} {
			s := serve(func(w http.ResponseWriter, r *http.Request) {
				if r.Host != "git.example.com" {
					t.Errorf("%s: %s was asked", to, r.Host)
				}
				answer(307, "", "Location", to)(w, r)
			})
			if _, err := s.Do(t.Context(), Call{Method: method, Path: "x", Right: statuses}); err == nil || s.asked.Load() != 1 {
				t.Errorf("%s %s: followed, %v", method, to, err)
			}
		}
	}
}

// paged is a list that is given in pages of two.
func paged(numbers *[]int64, link bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n := 1
		_, _ = fmt.Sscan(r.URL.Query().Get("page"), &n)
		all := *numbers
		from, to := min(2*n-2, len(all)), min(2*n, len(all))
		things := []thing{}
		for _, id := range all[from:to] {
			things = append(things, thing{id})
		}
		body, _ := json.Marshal(things)
		headers := []string{"X-Total-Count", fmt.Sprint(len(all))}
		if to < len(all) && link {
			headers = append(headers, "Link", fmt.Sprintf(`<http://inside:3000/x?page=%d&state=open>; rel="next", <http://inside:3000/x?page=%d>; rel="last"`, n+1, (len(all)+1)/2))
		} else if to < len(all) {
			headers = append(headers, "X-Next-Page", fmt.Sprint(n+1))
		}
		answer(200, string(body), headers...)(w, r)
	}
}

func id(t thing) int64 { return t.ID }

func TestPages(t *testing.T) {
	numbers := []int64{9, 8, 7, 6, 5}
	for _, link := range []bool{true, false} {
		s := serve(paged(&numbers, link))
		got, err := All(t.Context(), s.Client, list, 100, id)
		if diff := cmp.Diff([]thing{{9}, {8}, {7}, {6}, {5}}, got); diff != "" || err != nil || s.asked.Load() != 4 {
			t.Errorf("link %v: %v, %d requests: %s", link, err, s.asked.Load(), diff)
		}
		if got, _ := Some[thing](t.Context(), s.Client, list, 3); len(got) != 3 {
			t.Errorf("of at most three: %v", got)
		}
	}
	s := serve(paged(&numbers, true))
	if got, err := Newest[thing](t.Context(), s.Client, list, 2, 1); err != nil || !cmp.Equal(got, []thing{{9}, {8}, {5}}) {
		t.Errorf("the newest are %v, %v", got, err)
	}
	s = serve(paged(&numbers, false))
	if got, err := Newest[thing](t.Context(), s.Client, list, 2, 9); err != nil || len(got) != 5 {
		t.Errorf("by their number: %v, %v", got, err)
	}
}

// TestPagesMove: what goes while a list is read takes nothing else with it.
func TestPagesMove(t *testing.T) {
	numbers := []int64{9, 8, 7, 6, 5}
	pages := paged(&numbers, true)
	s := serve(nil)
	s.handle = func(w http.ResponseWriter, r *http.Request) {
		pages(w, r)
		if s.asked.Load() == 1 {
			numbers = []int64{9, 7, 6, 5} // 8 is closed after the first page: 7 moves there
		}
	}
	got, err := All(t.Context(), s.Client, list, 100, id)
	if diff := cmp.Diff([]thing{{9}, {7}, {6}, {5}}, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	s.handle = func(w http.ResponseWriter, r *http.Request) { // always something new
		numbers = append([]int64{int64(100 + s.asked.Load())}, numbers...)
		pages(w, r)
	}
	_, err = All(t.Context(), s.Client, list, 100, id)
	fails(t, err, v1alpha1.ReasonUnreachable, "changes faster than it can be read")
}

// TestHostilePages: no header makes it go round or on for ever.
func TestHostilePages(t *testing.T) {
	for name, next := range map[string]string{
		"the same page": `<https://git.example.com/x?page=1>; rel="next"`,
		"backwards":     `<https://git.example.com/x?page=-4>; rel="next"`,
		"no page":       `<https://git.example.com/x>; rel="next"`,
		"no URL":        `<%zz>; rel="next"`,
		"a huge number": `<https://x/?page=99999999999999999999>; rel="next"`,
		"rubbish":       strings.Repeat("<<;rel=", 1000),
	} {
		s := serve(answer(200, `[{"id":1}]`, "Link", next))
		if _, err := All(t.Context(), s.Client, list, 100, id); err != nil || s.asked.Load() != 1 {
			t.Errorf("%s: %d requests, %v", name, s.asked.Load(), err)
		}
	}
	s := serve(func(w http.ResponseWriter, r *http.Request) {
		n := 1
		_, _ = fmt.Sscan(r.URL.Query().Get("page"), &n)
		answer(200, `[{"id":1}]`, "Link", fmt.Sprintf(`<https://x/?page=%d>; rel="next", <https://x/?page=1000000>; rel="last"`, n+1))(w, r)
	})
	if _, err := Some[thing](t.Context(), s.Client, list, 200); err != nil || s.asked.Load() != maxPages {
		t.Errorf("for ever: %d requests, %v", s.asked.Load(), err)
	}
	s.asked.Store(0)
	if _, err := Newest[thing](t.Context(), s.Client, list, 100, 5); err != nil || s.asked.Load() != 6 {
		t.Errorf("the newest of a million pages: %d requests, %v", s.asked.Load(), err)
	}
}

// renewing has another token once.
type renewing struct{ tokens []string }

func (r *renewing) Authorize(_ context.Context, req *http.Request) error {
	req.Header.Set("Authorization", "token "+r.tokens[0])
	return nil
}
func (r *renewing) Secrets() []string { return r.tokens }
func (r *renewing) Renew() bool {
	if len(r.tokens) == 1 {
		return false
	}
	r.tokens = r.tokens[1:]
	return true
}

func TestRenew(t *testing.T) {
	s := serve(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "token new" {
			answer(401, `{}`)(w, r)
			return
		}
		answer(200, `[]`)(w, r)
	})
	auth := &renewing{tokens: []string{"old", "new"}}
	s.auth = auth
	if _, err := s.list(t); err != nil || s.asked.Load() != 2 {
		t.Errorf("%d requests, %v", s.asked.Load(), err)
	}
	auth.tokens = []string{"older", "old"}
	_, err := s.list(t)
	fails(t, err, v1alpha1.ReasonAuthenticationFailed, "")
	if s.asked.Load() != 4 {
		t.Errorf("%d requests where no token counts", s.asked.Load())
	}
}

func TestBasicSecrets(t *testing.T) {
	s := serve(func(w http.ResponseWriter, r *http.Request) {
		answer(422, `{"message":"you sent `+r.Header.Get("Authorization")+`"}`)(w, r)
	})
	s.auth = Basic{"ada", "pa55word"}
	_, err := s.list(t)
	fails(t, err, v1alpha1.ReasonRefused, `you sent Basic ***`)
}

func TestCodes(t *testing.T) {
	for status, want := range map[int]string{0: "none", 200: "200", 304: "304", 418: "4xx", 599: "5xx", 999: "other", -1: "other"} {
		if got := code(status); got != want {
			t.Errorf("code(%d) = %s, want %s", status, got, want)
		}
	}
}

// FuzzDecode: what is read is JSON, up to the end of the list.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{`[{"id":1}]`, `[`, `{}`, `[[[`, `[{"id":1e999}]`, "[\xff]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var things []thing
		if err := decode(strings.NewReader(body), &things); err != nil {
			return
		}
		var first json.RawMessage
		if json.NewDecoder(strings.NewReader(body)).Decode(&first) != nil {
			t.Errorf("%q is read as %v", body, things)
		}
	})
}

func FuzzLink(f *testing.F) {
	f.Add(`<https://x/?page=2>; rel="next", <https://x/?page=9>; rel="last"`)
	f.Fuzz(func(_ *testing.T, header string) {
		_ = Answer{http.Header{"Link": {header}}}.Next()
	})
}
