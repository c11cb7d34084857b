package access

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/headway-dev/headway/api/signature"
	"github.com/headway-dev/headway/api/v1alpha1"
)

const firstKey = "whsec_Zmlyc3Q="

// sign makes the headers as a sender does.
func sign(text, id string, at time.Time, body string) http.Header {
	key, err := signature.StandardKey([]byte(text))
	if err != nil {
		panic(err)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.%s", id, at.Unix(), body)
	return http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {fmt.Sprint(at.Unix())}, "Webhook-Signature": {"v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))}}
}

// cluster has Secrets that change.
type cluster struct {
	mu      sync.Mutex
	secrets map[string]string // key hmac by name
	err     error
	hangs   bool
	looks   int
}

func (c *cluster) read(ctx context.Context, namespace, name string) (map[string][]byte, error) {
	c.mu.Lock()
	c.looks++
	text, ok := c.secrets[name]
	err, hangs := c.err, c.hangs
	c.mu.Unlock()
	switch {
	case hangs:
		<-ctx.Done()
		return nil, ctx.Err()
	case err != nil:
		return nil, err
	case !ok || namespace != "shop":
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, name)
	}
	return map[string][]byte{"hmac": []byte(text)}, nil
}

func (c *cluster) change(do func(c *cluster)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do(c)
}

func signedWith(secret string) *v1alpha1.Channel {
	return channelWith(&v1alpha1.ChannelAccess{Outside: &v1alpha1.OutsideAccess{HMAC: v1alpha1.KeyRef{Name: secret, Key: "hmac"}}})
}

// post is the answer to a request: 202, or the status of the denial.
func post(ctx context.Context, r *Rule, header http.Header, body string) (int, string) {
	o, no := r.Outside((&http.Request{Header: header}).WithContext(ctx), true)
	if no == nil {
		var who string
		if who, no = o.Verify(ctx, []byte(body)); no == nil {
			return 202, who
		}
	}
	return no.Status, no.Detail
}

// TestRotation: a sender signs once a second, with the old key until half a minute
// after the Secret has the new one. Nothing of it is refused, whenever that is; and
// then the old key is worth nothing.
func TestRotation(t *testing.T) {
	for _, at := range []time.Duration{0, time.Millisecond, 999 * time.Millisecond, 10 * time.Second, 29999 * time.Millisecond, 30 * time.Second, 70*time.Second + 1} {
		t.Run(at.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &cluster{secrets: map[string]string{"till": firstKey}}
				r := NewRule(nil, signedWith("till"), ordersURL, c.read, time.Now)
				const next = "whsec_bmV4dA=="
				send := func(key string, want int) {
					t.Helper()
					if got, why := post(t.Context(), r, sign(key, "1", time.Now(), "{}"), "{}"); got != want {
						t.Fatalf("%d: %s, want %d", got, why, want)
					}
				}
				send(firstKey, 202)
				for began := time.Now(); time.Since(began) < at; time.Sleep(min(time.Second, at-time.Since(began))) {
					send(firstKey, 202)
				}
				c.change(func(c *cluster) { c.secrets["till"] = next })
				for n := range 60 {
					send(firstKey, 202)
					if n%2 == 0 || n > 30 {
						send(next, 202)
					}
					time.Sleep(time.Second - time.Millisecond)
				}
				time.Sleep(2 * time.Second) // lookAgain at most passed before it was seen
				send(firstKey, 401)
				send(next, 202)
			})
		})
	}
}

// TestRotationByAnotherSecret: the Channel names another Secret.
func TestRotationByAnotherSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{secrets: map[string]string{"till": "old", "till-2": "new"}}
		first := NewRule(nil, signedWith("till"), ordersURL, c.read, time.Now)
		if got, why := post(t.Context(), first, sign("old", "1", time.Now(), "{}"), "{}"); got != 202 {
			t.Fatal(why)
		}
		if same := NewRule(first, signedWith("till"), ordersURL, c.read, time.Now); same != first {
			t.Error("a Channel that has not changed has another rule")
		}
		second := NewRule(first, signedWith("till-2"), ordersURL, c.read, time.Now)
		for _, key := range []string{"new", "old"} {
			if got, why := post(t.Context(), second, sign(key, "1", time.Now(), "{}"), "{}"); got != 202 {
				t.Errorf("%s: %s", key, why)
			}
		}
		time.Sleep(overlap)
		if got, _ := post(t.Context(), second, sign("old", "1", time.Now(), "{}"), "{}"); got != 401 {
			t.Errorf("the old key: %d", got)
		}
		if closed := NewRule(second, channelWith(nil), ordersURL, c.read, time.Now); closed.HasOutside() {
			t.Error("there is still a way in")
		}
	})
}

// TestOutside is about requests that are refused.
func TestOutside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{secrets: map[string]string{"till": firstKey}}
		r := NewRule(nil, signedWith("till"), ordersURL, c.read, time.Now)
		good := sign(firstKey, "1", time.Now(), "{}")
		for _, tc := range []struct {
			name   string
			header http.Header
			status int
			detail string
		}{
			{"right", good, 202, "outside, signed"},
			{"five minutes old", sign(firstKey, "1", time.Now().Add(-signature.MaxAge), "{}"), 202, "outside, signed"},
			{"five minutes ahead", sign(firstKey, "1", time.Now().Add(signature.MaxAge), "{}"), 202, "outside, signed"},
			{"older", sign(firstKey, "1", time.Now().Add(-signature.MaxAge-time.Second), "{}"), 401, "its webhook-timestamp is more than 5m0s away from the time here"},
			{"further ahead", sign(firstKey, "1", time.Now().Add(signature.MaxAge+time.Second), "{}"), 401, "its webhook-timestamp is more than 5m0s away"},
			{"none", http.Header{"Authorization": {"Bearer a.b.c"}}, 401, "have to be signed, as Standard Webhooks says"},
			{"malformed", http.Header{"Webhook-Id": {"1"}, "Webhook-Timestamp": {fmt.Sprint(time.Now().Unix())}, "Webhook-Signature": {"v1"}}, 401, "The signature is refused: webhook-signature must be"},
			{"of another body", sign(firstKey, "1", time.Now(), "{ }"), 401, "it is none of this request"},
		} {
			if got, why := post(t.Context(), r, tc.header, "{}"); got != tc.status || !strings.Contains(why, tc.detail) {
				t.Errorf("%s: %d: %s", tc.name, got, why)
			}
		}
	})
}

// TestNoKey: while there is no key to check with, a sender is told to come again,
// and the Channel can say why. A Secret that cannot be read now changes nothing.
func TestNoKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{secrets: map[string]string{}}
		r := NewRule(nil, signedWith("till"), ordersURL, c.read, time.Now)
		send := func(want int) {
			t.Helper()
			if got, why := post(t.Context(), r, sign("key", "1", time.Now(), "{}"), "{}"); got != want {
				t.Errorf("%d: %s, want %d", got, why, want)
			}
		}
		check := func(want string) {
			t.Helper()
			if got := fmt.Sprint(r.Check(t.Context())); got != want {
				t.Errorf("check: %s, want %s", got, want)
			}
		}
		send(503)
		check("there is no Secret till in namespace shop")
		c.change(func(c *cluster) { c.secrets["till"] = "whsec_?" })
		send(503)
		check("key hmac of Secret till in namespace shop cannot be used: what follows whsec_ is not base64")
		c.change(func(c *cluster) { c.secrets["till"] = "key" })
		send(202)
		check("<nil>")
		c.change(func(c *cluster) { c.err = errors.New("away") })
		time.Sleep(time.Hour)
		send(202)
		c.change(func(c *cluster) { c.err, c.hangs = nil, true })
		time.Sleep(time.Hour)
		began := time.Now()
		for range 100 {
			send(202)
		}
		if time.Since(began) != 0 {
			t.Error("who signs with the known key waits")
		}
		time.Sleep(time.Minute)
		c.change(func(c *cluster) { c.hangs = false; delete(c.secrets, "till") })
		send(202) // and has somebody look
		synctest.Wait()
		time.Sleep(overlap - time.Second)
		send(202)
		time.Sleep(time.Second)
		send(503)
	})
}

// TestWrongSignaturesCostLittle: whatever is sent, the Secret is read once a second.
func TestWrongSignaturesCostLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{secrets: map[string]string{"till": firstKey}}
		r := NewRule(nil, signedWith("till"), ordersURL, c.read, time.Now)
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				if got, why := post(t.Context(), r, sign("other", "1", time.Now(), "{}"), "{}"); got != 401 {
					t.Errorf("%d: %s", got, why)
				}
			})
			time.Sleep(10 * time.Millisecond)
		}
		all.Wait()
		if c.looks > 12 {
			t.Errorf("%d looks in 10 s", c.looks)
		}
	})
}
