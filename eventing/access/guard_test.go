package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// reviewer is an API server that knows some tokens.
type reviewer struct {
	takes time.Duration // for each review

	mu       sync.Mutex
	users    map[string]string // by token
	err      error
	reviews  int
	now, top int // reviews at a time
}

func (r *reviewer) Review(ctx context.Context, token, audience string) (string, error) {
	r.mu.Lock()
	r.reviews++
	r.now++
	r.top = max(r.top, r.now)
	user, err := r.users[token], r.err
	r.mu.Unlock()
	defer func() { r.mu.Lock(); r.now--; r.mu.Unlock() }()
	select {
	case <-time.After(r.takes):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	switch {
	case err != nil:
		return "", err
	case audience != ordersURL || user == "":
		return "", errInvalid
	}
	return user, nil
}

func (r *reviewer) want(t *testing.T, reviews int) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reviews != reviews {
		t.Errorf("%d reviews, want %d", r.reviews, reviews)
	}
}

// rule of channel shop/orders.
func ruleOf(access *v1alpha1.ChannelAccess) *Rule {
	return NewRule(nil, channelWith(access), ordersURL, nil, time.Now)
}

func channelWith(access *v1alpha1.ChannelAccess) *v1alpha1.Channel {
	return &v1alpha1.Channel{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders"}, Spec: v1alpha1.ChannelSpec{Access: access}}
}

// request shows a token, if there is one.
func request(ctx context.Context, token string) *http.Request {
	r := (&http.Request{Header: http.Header{}, RemoteAddr: "10.0.0.7:4711"}).WithContext(ctx)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// lasting is a token for orders that is valid for so long from now on; n tells it
// from others.
func lasting(d time.Duration, n int) string {
	return token(fmt.Sprintf(`{"aud":%q,"exp":%d,"n":%d}`, ordersURL, time.Now().Add(d).Unix(), n))
}

func TestInside(t *testing.T) {
	good := lasting(time.Hour, 1)
	open, closed := ruleOf(nil), ruleOf(&v1alpha1.ChannelAccess{Token: true, Senders: []string{"till/default"}})
	const api = "http://headway-events.headway-system/shop/orders"
	for _, tc := range []struct {
		name   string
		rule   *Rule
		token  string
		user   string
		err    error
		want   string
		no     Denial // what matters of it
		detail string // what it has to say
	}{
		{name: "open, nobody", rule: open, want: "anonymous 10.0.0.7"},
		{name: "open, an account of anywhere", rule: open, token: good, user: "system:serviceaccount:other:app", want: "service account other/app"},
		{name: "open, a token that is not valid", rule: open, token: good, want: "anonymous 10.0.0.7"},
		{name: "open, a token for something else", rule: open, token: "abc", want: "anonymous 10.0.0.7"},
		{name: "open, and the API server is away", rule: open, token: good, err: errors.New("away"), want: "anonymous 10.0.0.7"},
		{name: "its own namespace", rule: closed, token: good, user: "system:serviceaccount:shop:default", want: "service account shop/default"},
		{name: "one of its senders", rule: closed, token: good, user: "system:serviceaccount:till:default", want: "service account till/default"},
		{name: "nobody", rule: closed, no: Denial{Kind: NoToken, Status: 401, Challenge: `Bearer realm="` + api + `"`},
			detail: "Channel shop/orders takes events only with a token of a service account whose audience is " + api},
		{name: "another account of a sender's namespace", rule: closed, token: good, user: "system:serviceaccount:till:other", no: Denial{Kind: NotAllowed, Status: 403},
			detail: `Service account till/other may not send to channel shop/orders. Add "till/other" to access.senders`},
		{name: "no account", rule: closed, token: good, user: "alice", no: Denial{Kind: NotAllowed, Status: 403}, detail: `The token is that of "alice".`},
		{name: "a user who sounds like one", rule: closed, token: good, user: "shop:default", no: Denial{Kind: NotAllowed, Status: 403}},
		{name: "not valid", rule: closed, token: good, no: Denial{Kind: BadToken, Status: 401, Challenge: `Bearer realm="` + api + `", error="invalid_token"`}, detail: "The token is refused: it is not valid"},
		{name: "junk", rule: closed, token: "abc", no: Denial{Kind: BadToken, Status: 401, Challenge: `Bearer realm="` + api + `", error="invalid_token"`}, detail: "The token is refused: it is no JSON Web Token."},
		{name: "over", rule: closed, token: lasting(-time.Second, 1), no: Denial{Kind: BadToken, Status: 401, Challenge: `Bearer realm="` + api + `", error="invalid_token"`}, detail: "it has expired"},
		{name: "the API server is away", rule: closed, token: good, err: errors.New("away"), no: Denial{Kind: NoReview, Status: 503, RetryAfter: time.Second}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := NewGuard(&reviewer{users: map[string]string{good: tc.user}, err: tc.err}, time.Now)
			for range 2 { // from the API server, and as it is remembered
				got, no := g.Inside(request(t.Context(), tc.token), tc.rule)
				if no == nil {
					no = &Denial{}
				}
				if got != tc.want || no.Kind != tc.no.Kind || no.Status != tc.no.Status || no.Challenge != tc.no.Challenge || no.RetryAfter != tc.no.RetryAfter || !strings.Contains(no.Detail, tc.detail) {
					t.Errorf("%q, %+v; want %q, %+v, %s", got, no, tc.want, tc.no, tc.detail)
				}
			}
		})
	}
}

// TestRemembered: a token is reviewed once, until it may have changed.
func TestRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, short, wrong := lasting(time.Hour, 1), lasting(time.Minute, 2), lasting(time.Hour, 3)
		r := &reviewer{users: map[string]string{good: "system:serviceaccount:shop:default", short: "system:serviceaccount:shop:default"}}
		g := NewGuard(r, time.Now)
		rule := ruleOf(&v1alpha1.ChannelAccess{Token: true})
		ask := func(token string, status int) {
			t.Helper()
			_, no := g.Inside(request(t.Context(), token), rule)
			if no == nil {
				no = &Denial{}
			}
			if no.Status != status {
				t.Errorf("%+v, want status %d", no, status)
			}
		}
		ask(good, 0)
		ask(short, 0)
		ask(wrong, 401)
		r.want(t, 3)
		time.Sleep(wrongFor - time.Millisecond)
		ask(good, 0)
		ask(short, 0)
		ask(wrong, 401)
		r.want(t, 3)
		time.Sleep(time.Millisecond)
		ask(wrong, 401)
		r.want(t, 4)
		time.Sleep(time.Minute - wrongFor)
		ask(short, 401) // without a review
		r.want(t, 4)
		time.Sleep(validFor - time.Minute - time.Millisecond)
		ask(good, 0)
		r.want(t, 4)
		r.users = nil // the pod is gone
		time.Sleep(time.Millisecond)
		ask(good, 401)
		r.want(t, 5)
	})
}

// TestJunk: no token is remembered for ever, and what can be seen to be wrong asks
// nobody. Made-up tokens push out no valid one.
func TestJunk(t *testing.T) {
	good := lasting(time.Hour, 1)
	r := &reviewer{users: map[string]string{good: "system:serviceaccount:shop:default"}}
	g := NewGuard(r, time.Now)
	rule := ruleOf(&v1alpha1.ChannelAccess{Token: true})
	for _, junk := range []string{"abc", token(`{"aud":"x"}`), lasting(-time.Hour, 0), strings.Repeat("a", 1<<20)} {
		if _, no := g.Inside(request(t.Context(), junk), rule); no == nil || no.Status != 401 {
			t.Errorf("%.20s: %+v", junk, no)
		}
	}
	r.want(t, 0)
	if _, no := g.Inside(request(t.Context(), good), rule); no != nil {
		t.Error(no)
	}
	r.want(t, 1)
	for n := range 2 * maxVerdicts {
		if _, no := g.Inside(request(t.Context(), lasting(time.Hour, 2+n)), rule); no == nil {
			t.Fatal("a made-up token is taken")
		}
	}
	r.want(t, 1+2*maxVerdicts)
	if n := len(g.verdicts.wrong); n > maxVerdicts {
		t.Errorf("%d tokens are remembered", n)
	}
	if _, no := g.Inside(request(t.Context(), good), rule); no != nil {
		t.Error(no)
	}
	r.want(t, 1+2*maxVerdicts)
}

// TestReviewsAreBounded: many requests with one token cost one review, many tokens
// at most maxReviews at a time; who waits too long is told to come again.
func TestReviewsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reviewer{takes: time.Second}
		g := NewGuard(r, time.Now)
		rule := ruleOf(&v1alpha1.ChannelAccess{Token: true})
		var all sync.WaitGroup
		var mu sync.Mutex
		counts := map[int]int{}
		ask := func(token string) {
			all.Go(func() {
				_, no := g.Inside(request(t.Context(), token), rule)
				mu.Lock()
				counts[no.Status]++
				mu.Unlock()
			})
		}
		for range 100 {
			ask(lasting(time.Hour, 0))
		}
		all.Wait()
		r.want(t, 1)
		for n := range 100 {
			ask(lasting(time.Hour, 1+n))
		}
		all.Wait()
		if r.top != maxReviews || counts[401] < 100+4*maxReviews || counts[503] == 0 || counts[401]+counts[503] != 200 {
			t.Errorf("%d reviews at a time, answers %v", r.top, counts)
		}
	})
}

// TestAway: where no token is needed, an API server that hangs is waited for once
// in a while only.
func TestAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reviewer{takes: time.Hour}
		g := NewGuard(r, time.Now)
		began := time.Now()
		for n := range 100 {
			if got, no := g.Inside(request(t.Context(), lasting(time.Hour, n)), ruleOf(nil)); got != "anonymous 10.0.0.7" || no != nil {
				t.Errorf("%q, %+v", got, no)
			}
		}
		if took := time.Since(began); took != reviewLimit {
			t.Errorf("took %s", took)
		}
		time.Sleep(awayFor)
		g.Inside(request(t.Context(), lasting(time.Hour, 100)), ruleOf(nil))
		r.want(t, 2)
	})
}
