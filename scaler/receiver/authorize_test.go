package receiver

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

const activator = "system:serviceaccount:headway-system:headway-activator"

// token is one that says of itself what is given, and nobody has signed.
func token(subject string, audience any, expires time.Time, id int) string {
	payload, _ := json.Marshal(map[string]any{"sub": subject, "aud": audience, "exp": expires.Unix(), "jti": id})
	return "e30." + base64.RawURLEncoding.EncodeToString(payload) + ".c2ln"
}

// looksGood is a token whose claims are those of an activator.
func looksGood(id int) string {
	return token(activator, []string{Audience}, time.Now().Add(time.Hour), id)
}

// apiServer answers reviews by review, and counts them.
type apiServer struct {
	asked  atomic.Int64
	review func(spec authenticationv1.TokenReviewSpec) (authenticationv1.TokenReviewStatus, error)
}

func (s *apiServer) client() client.Client {
	return fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
		Create: func(_ context.Context, _ client.WithWatch, o client.Object, _ ...client.CreateOption) (err error) {
			s.asked.Add(1)
			review := o.(*authenticationv1.TokenReview)
			review.Status, err = s.review(review.Spec)
			return err
		},
	}).Build()
}

// always gives every token the same status.
func always(status authenticationv1.TokenReviewStatus, err error) *apiServer {
	return &apiServer{review: func(authenticationv1.TokenReviewSpec) (authenticationv1.TokenReviewStatus, error) { return status, err }}
}

// good is what the API server says of an activator.
func good() authenticationv1.TokenReviewStatus {
	status := authenticationv1.TokenReviewStatus{Authenticated: true, Audiences: []string{Audience}}
	status.User.Username = activator
	return status
}

func TestAuthorize(t *testing.T) {
	other, elsewhere := good(), good()
	other.User.Username = "system:serviceaccount:default:default"
	elsewhere.Audiences = []string{"https://kubernetes.default.svc"}
	now := time.Now()
	mine := looksGood(1)
	for _, tc := range []struct {
		name, token string
		status      authenticationv1.TokenReviewStatus
		err         error
		code        int // 0: it is let in
		want        string
		asked       int64
	}{
		{"activator", mine, good(), nil, 0, "", 1},
		{"one audience", token(activator, Audience, now.Add(time.Hour), 1), good(), nil, 0, "", 1},
		{"the clocks differ", token(activator, Audience, now.Add(-skew/2), 1), good(), nil, 0, "", 1},
		{"nothing", "", good(), nil, 401, "required", 0},
		{"junk", "junk", good(), nil, 401, "no token", 0},
		{"no base64", "a.b!.c", good(), nil, 401, "no token", 0},
		{"no JSON", "a.YWJj.c", good(), nil, 401, "no token", 0},
		{"another type", token(activator, 7, now.Add(time.Hour), 1), good(), nil, 401, "no token", 0},
		{"long", mine + strings.Repeat("x", longestToken), good(), nil, 401, "no token", 0},
		{"says another account", token("system:serviceaccount:default:default", Audience, now.Add(time.Hour), 1), good(), nil, 401, `default:default" may not report`, 0},
		{"says another audience", token(activator, []string{"api"}, now.Add(time.Hour), 1), good(), nil, 401, "another audience", 0},
		{"expired", token(activator, Audience, now.Add(-2*skew), 1), good(), nil, 401, "expired", 0},
		{"never expires", token(activator, Audience, time.Unix(0, 0), 1), good(), nil, 401, "expired", 0},
		{"forged", mine, authenticationv1.TokenReviewStatus{}, nil, 401, "not valid", 1},
		{"is another account", mine, other, nil, 401, "default:default may not report", 1},
		{"is for another audience", mine, elsewhere, nil, 401, "another audience", 1},
		{"no answer", mine, good(), errors.New("timeout"), 503, "timeout", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			api := always(tc.status, tc.err)
			review := api.review
			api.review = func(spec authenticationv1.TokenReviewSpec) (authenticationv1.TokenReviewStatus, error) {
				if spec.Token != tc.token || len(spec.Audiences) != 1 || spec.Audiences[0] != Audience {
					t.Errorf("asked for %+v", spec)
				}
				return review(spec)
			}
			a := authorizer{user: activator, client: api.client()}
			no := a.authorize(t.Context(), tc.token, "10.0.0.1", func() {})
			if (no == nil) != (tc.code == 0) || no != nil && (no.status != tc.code || !strings.Contains(no.err.Error(), tc.want)) {
				t.Errorf("got %+v, want %d and %q", no, tc.code, tc.want)
			}
			if got := api.asked.Load(); got != tc.asked {
				t.Errorf("the API server was asked %d times, want %d", got, tc.asked)
			}
		})
	}
}

// TestVerdictsAreRemembered for a while, the good and the bad, but not that
// the API server was away.
func TestVerdictsAreRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tc := range []struct {
			name   string
			status authenticationv1.TokenReviewStatus
			err    error
			after  time.Duration
			asked  int64
		}{
			{"good", good(), nil, goodFor - time.Second, 1},
			{"good, long ago", good(), nil, goodFor + time.Second, 2},
			{"bad", authenticationv1.TokenReviewStatus{}, nil, badFor - time.Second, 1},
			{"bad, a while ago", authenticationv1.TokenReviewStatus{}, nil, badFor + time.Second, 2},
			{"no answer", good(), errors.New("away"), time.Second, 2},
		} {
			api := always(tc.status, tc.err)
			a := authorizer{user: activator, client: api.client()}
			token := looksGood(1)
			first := a.authorize(t.Context(), token, "10.0.0.1", func() {})
			time.Sleep(tc.after)
			second := a.authorize(t.Context(), token, "10.0.0.2", func() {})
			if (first == nil) != (second == nil) || api.asked.Load() != tc.asked {
				t.Errorf("%s: %v and then %v, asked %d times, want %d", tc.name, first, second, api.asked.Load(), tc.asked)
			}
		}
	})
}

// TestVerdictEndsWithItsToken also if the token lives for less than goodFor.
func TestVerdictEndsWithItsToken(t *testing.T) {
	now := time.Now()
	var v verdicts
	v.add("t", nil, now, now.Add(time.Minute))
	for after, want := range map[time.Duration]bool{59 * time.Second: true, 61 * time.Second: false} {
		if _, known := v.of("t", now.Add(after)); known != want {
			t.Errorf("known %v after %s", known, after)
		}
	}
}

func TestBadVerdictsDriveOutNoGoodOnes(t *testing.T) {
	now := time.Now()
	var v verdicts
	v.add("good", nil, now, now.Add(time.Hour))
	for i := range 3 * mostVerdicts {
		v.add(fmt.Sprint(i), errors.New("bad"), now, now.Add(time.Hour))
	}
	if err, known := v.of("good", now); err != nil || !known {
		t.Errorf("the good token: %v, %v", err, known)
	}
	if len(v.bad) != mostVerdicts {
		t.Errorf("%d bad ones are remembered, want %d", len(v.bad), mostVerdicts)
	}
}

// TestTurns: one address after the other, at a pace, however many come.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Hour) // a burst is saved up
		var u turns
		began := time.Now()
		for range reviewBurst {
			done, err := u.take(t.Context(), "10.0.0.1")
			if err != nil {
				t.Fatal(err)
			}
			done()
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("a burst took %s", waited)
		}
		for range 10 {
			done, err := u.take(t.Context(), "10.0.0.1")
			if err != nil {
				t.Fatal(err)
			}
			done()
		}
		if waited := time.Since(began); waited != 10*reviewEvery {
			t.Errorf("10 more took %s, want %s", waited, 10*reviewEvery)
		}

		done, err := u.take(t.Context(), "10.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := u.take(t.Context(), "10.0.0.1"); !errors.Is(err, errSameAddress) {
			t.Errorf("a second turn of an address: %v", err)
		}
		for i := range mostTurns - 1 {
			go func() { _, _ = u.take(t.Context(), fmt.Sprint("10.0.1.", i)) }()
		}
		synctest.Wait()
		if _, err := u.take(t.Context(), "10.0.0.2"); !errors.Is(err, errManyReviews) {
			t.Errorf("more turns than there may be: %v", err)
		}
		done()
		leaving, leave := context.WithCancel(t.Context())
		leave()
		if _, err := u.take(leaving, "10.0.0.3"); !errors.Is(err, context.Canceled) {
			t.Errorf("one who leaves: %v", err)
		}
		if _, taken := u.of["10.0.0.3"]; taken {
			t.Error("one who has left still waits")
		}
		time.Sleep(mostTurns * reviewEvery)
	})
}

func FuzzClaims(f *testing.F) {
	f.Add(looksGood(1))
	f.Add("..")
	f.Add(token(activator, nil, time.Unix(-1<<62, 0), 0))
	f.Fuzz(func(t *testing.T, token string) {
		c, err := read(token, activator, time.Now())
		if err == nil && c.Subject != activator {
			t.Errorf("took %+v", c)
		}
	})
}
