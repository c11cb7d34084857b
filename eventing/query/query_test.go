package query

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/access"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/cursor"
	"github.com/headway-dev/headway/eventing/delivery"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/story"
)

func name(n string) types.NamespacedName { return types.NamespacedName{Namespace: "shop", Name: n} }

// accounts know the token "good" of namespace shop, for that alone.
type accounts struct{}

func (accounts) Account(_ context.Context, token, audience string) (types.NamespacedName, error) {
	switch {
	case token == "away":
		return types.NamespacedName{}, errors.New("the API server does not answer")
	case token == "good" && audience == Audience("shop"):
		return types.NamespacedName{Namespace: "shop", Name: "default"}, nil
	case token == "other" && audience == Audience("shop"):
		return types.NamespacedName{Namespace: "shop2", Name: "default"}, nil
	}
	return types.NamespacedName{}, &access.Refused{Reason: errors.New("it is not valid")}
}

// world is a server that answers from real stores.
type world struct {
	*testing.T
	url           string
	channels      *channel.Store
	story         *story.Store
	standing      map[string]delivery.Standing
	subscriptions []v1alpha1.Subscription
	end           context.CancelFunc
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, standing: map[string]delivery.Standing{}}
	dir := t.TempDir()
	var err error
	if w.story, err = story.Open(story.Options{Dir: filepath.Join(dir, "story"), Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	w.channels, err = channel.Open(t.Context(), channel.Options{Dir: filepath.Join(dir, "channels"), LowDisk: 1, Log: slog.New(slog.DiscardHandler), Kept: w.story.Kept})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.end = cancel
	h := New(Sources{
		Story: w.story, Channels: w.channels, Accounts: accounts{}, Done: ctx.Done(),
		Standing:      func(n types.NamespacedName, _ uint64) delivery.Standing { return w.standing[n.Name] },
		Subscriptions: func(context.Context, string) ([]v1alpha1.Subscription, error) { return w.subscriptions, nil },
	})
	server := httptest.NewServer(h.In(http.NotFoundHandler()))
	w.url = server.URL
	t.Cleanup(func() {
		cancel()
		server.Close()
		if err := errors.Join(w.channels.Close(), w.story.Close()); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) channel(n string) *channel.Channel {
	w.Helper()
	c, err := w.channels.Ensure(w.Context(), name(n), channel.Settings{Keep: time.Hour, Size: 64 << 20, MaxEvent: 1 << 20})
	if err != nil {
		w.Fatal(err)
	}
	return c
}

func (w *world) send(c *channel.Channel, id, kind, data string, set ...string) {
	w.Helper()
	e := event.Event{ID: id, Source: "/till", Type: kind, Data: []byte(data)}
	for i := 0; i < len(set); i += 2 {
		e.Set(set[i], set[i+1])
	}
	if err := c.Append(story.WithSender(w.Context(), "service account shop/till"), []event.Event{e}); err != nil {
		w.Fatal(err)
	}
}

func (w *world) subscribe(n string, change func(*v1alpha1.Subscription)) {
	s := v1alpha1.Subscription{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: n},
		Spec: v1alpha1.SubscriptionSpec{Channel: "orders", To: v1alpha1.EventTarget{App: "shop", Path: "/" + n}}}
	change(&s)
	w.subscriptions = append(w.subscriptions, s)
}

// ask returns the status and the body of an answer.
func (w *world) ask(token, path string, query ...string) (int, string) {
	w.Helper()
	response := w.open(token, path, query...)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func (w *world) open(token, path string, query ...string) *http.Response {
	w.Helper()
	q := url.Values{}
	for i := 0; i < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	request, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.url+path+"?"+q.Encode(), http.NoBody)
	if err != nil {
		w.Fatal(err)
	}
	if token != "" {
		request.Header.Set(access.ProxiedHeader, "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.Fatal(err)
	}
	return response
}

func (w *world) why(id string, more ...string) *explain.EventStory {
	w.Helper()
	status, body := w.ask("good", "/-/why/shop", append([]string{"id", id}, more...)...)
	var s explain.EventStory
	if err := json.Unmarshal([]byte(body), &s); err != nil || status != http.StatusOK {
		w.Fatalf("%d, %v: %s", status, err, body)
	}
	return &s
}

func TestWhoMayRead(t *testing.T) {
	w := newWorld(t)
	w.send(w.channel("orders"), "1", "order", "secret")
	for _, tc := range []struct {
		token, path string
		want        int
	}{
		{"", "/-/why/shop", http.StatusUnauthorized},
		{"", "/-/events/shop/orders", http.StatusUnauthorized},
		{"", "/-/events/shop/nothing", http.StatusUnauthorized},
		{"bad", "/-/why/shop", http.StatusUnauthorized},
		{"good", "/-/why/shop2", http.StatusUnauthorized},
		{"good", "/-/events/shop2/orders", http.StatusUnauthorized},
		{"other", "/-/why/shop", http.StatusForbidden},
		{"away", "/-/why/shop", http.StatusServiceUnavailable},
		{"good", "/-/why/shop", http.StatusOK},
		{"good", "/-/events/shop/orders", http.StatusOK},
		{"good", "/-/events/shop/nothing", http.StatusNotFound},
		{"good", "/-/what/shop", http.StatusNotFound},
		{"good", "/-/", http.StatusNotFound},
	} {
		if got, body := w.ask(tc.token, tc.path, "id", "1", "data", "1"); got != tc.want || got != http.StatusOK && strings.Contains(body, "secret") {
			t.Errorf("%.10s %s: %d %s, want %d", tc.token, tc.path, got, body, tc.want)
		}
	}
}

func TestWhy(t *testing.T) {
	w := newWorld(t)
	orders, dead := w.channel("orders"), w.channel("orders-dead")
	w.send(orders, "first", "order", "")
	w.send(orders, "a/../b c", "order.created", `{"n":1}`, "subject", "4711", "region", "eu")
	w.send(dead, "a/../b c", "order.created", `{"n":1}`, "headwaydeadsubscription", "shop/shop-charge")
	exact := func(region string) func(*v1alpha1.Subscription) {
		return func(s *v1alpha1.Subscription) {
			s.Spec.Filter = &v1alpha1.EventFilter{Exact: map[string]string{"region": region}}
		}
	}
	w.subscribe("shop-charge", func(s *v1alpha1.Subscription) { s.Spec.DeadLetter = "orders-dead" })
	w.subscribe("shop-mail", exact("eu"))
	w.subscribe("shop-uk", exact("uk"))
	w.subscribe("shop-slow", exact("eu"))
	w.subscribe("shop-next", exact("eu"))
	w.subscribe("shop-off", func(s *v1alpha1.Subscription) {
		s.Spec.Paused = true
		s.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: "False", Reason: v1alpha1.ReasonPaused, Message: "paused by its spec"}}
	})
	w.subscribe("shop-late", func(*v1alpha1.Subscription) {})
	w.subscribe("elsewhere", func(s *v1alpha1.Subscription) { s.Spec.Channel = "other" })
	began := time.Now().Truncate(time.Millisecond).UTC()
	attempt := func(s string, n, status int, verdict story.Verdict) story.Attempt {
		return story.Attempt{Channel: name("orders"), Seq: 2, Subscription: name(s), Number: n, At: began.Add(time.Duration(n) * time.Second), Took: 12500 * time.Microsecond,
			Status: status, Said: fmt.Sprint("answered ", status), Revision: "shop-1a2b3c4d", Verdict: verdict}
	}
	given := attempt("shop-charge", 1, 400, story.Dead)
	given.DeadLetter, given.Reason = "orders-dead", "answered 400"
	again := attempt("shop-slow", 1, 503, story.Again)
	again.Next = began.Add(time.Minute)
	redriven := attempt("shop-charge", 1, 200, story.Delivered)
	redriven.Run, redriven.At = "shop-charge~redrive~monday", began.Add(time.Hour)
	for _, one := range []story.Attempt{given, again, redriven, attempt("shop-mail", 1, 503, story.Again), attempt("shop-mail", 2, 200, story.Delivered), attempt("shop-gone", 1, 200, story.Delivered)} {
		w.story.Attempted(one)
	}
	due := began.Add(2 * time.Minute)
	w.standing = map[string]delivery.Standing{
		"shop-charge": {Known: true, Done: true}, "shop-mail": {Known: true, Done: true}, "shop-uk": {Known: true, Done: true}, "shop-late": {Known: true, Done: true},
		"shop-slow": {Known: true, Retry: cursor.Entry{Attempts: 40, Due: due.UnixMilli()}}, "shop-next": {Known: true, Before: 1}, "shop-off": {Known: true},
	}
	got := w.why("a/../b c")
	tried := func(n, status int, then explain.DeliveryState) explain.EventAttempt {
		return explain.EventAttempt{Number: n, At: began.Add(time.Duration(n) * time.Second), Milliseconds: 12.5, Status: status, Said: fmt.Sprint("answered ", status), Revision: "shop-1a2b3c4d", Then: then}
	}
	wantGiven, wantAgain, wantRun := tried(1, 400, explain.EventDead), tried(1, 503, explain.EventRetrying), tried(1, 200, explain.EventDelivered)
	wantGiven.Reason, wantAgain.Next = "answered 400", again.Next
	wantRun.Run, wantRun.At = "redrive monday", redriven.At
	want := &explain.EventStory{Namespace: "shop", ID: "a/../b c", Events: []explain.StoredEvent{
		{Channel: "orders", Sequence: 2, By: "service account shop/till", ID: "a/../b c", Source: "/till", Type: "order.created", Bytes: 7,
			Attributes: map[string]string{"subject": "4711", "region": "eu"}, Deliveries: []explain.EventDelivery{
				{Subscription: "shop-charge", State: explain.EventDead, Target: "shop/shop-charge", Tried: 1, Attempts: []explain.EventAttempt{wantGiven, wantRun}, DeadLetter: "orders-dead"},
				{Subscription: "shop-gone", State: explain.EventDelivered, Problem: "the subscription does not exist any more", Tried: 1, Attempts: []explain.EventAttempt{tried(1, 200, explain.EventDelivered)}},
				{Subscription: "shop-late", State: explain.EventPassed, Target: "shop/shop-late"},
				{Subscription: "shop-mail", State: explain.EventDelivered, Target: "shop/shop-mail", Filter: "region=eu", Tried: 2, Attempts: []explain.EventAttempt{tried(1, 503, explain.EventRetrying), tried(2, 200, explain.EventDelivered)}},
				{Subscription: "shop-next", State: explain.EventWaiting, Target: "shop/shop-next", Filter: "region=eu", Before: 1},
				{Subscription: "shop-off", State: explain.EventPaused, Target: "shop/shop-off", Problem: "Paused: paused by its spec"},
				{Subscription: "shop-slow", State: explain.EventRetrying, Target: "shop/shop-slow", Filter: "region=eu", Tried: 40, Attempts: []explain.EventAttempt{wantAgain}, Next: due},
				{Subscription: "shop-uk", State: explain.EventFiltered, Target: "shop/shop-uk", Filter: "region=uk", Verdict: `exact: region is not "uk"`},
			}},
		{Channel: "orders-dead", Sequence: 1, By: "service account shop/till", ID: "a/../b c", Source: "/till", Type: "order.created", Bytes: 7,
			Attributes: map[string]string{"headwaydeadsubscription": "shop/shop-charge"}},
	}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(explain.StoredEvent{}, "Accepted")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if age := time.Since(got.Events[0].Accepted); age < 0 || age > time.Minute {
		t.Errorf("accepted %s ago", age)
	}
	if got := w.why("a/../b c", "data", "1"); got.Events[0].Data != `{"n":1}` {
		t.Errorf("data %q", got.Events[0].Data)
	}
}

func TestUnknownID(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	w.channel("empty")
	w.send(orders, "1", "order", "")
	got := w.why("2")
	if len(got.Events) > 0 || len(got.Channels) != 2 || got.Channels[0].Name != "empty" || !got.Channels[0].Oldest.IsZero() || got.Channels[1].Events != 1 || got.Channels[1].Oldest.IsZero() {
		t.Errorf("%+v", got)
	}
	for _, id := range []string{"", strings.Repeat("x", maxID+1)} {
		if status, body := w.ask("good", "/-/why/shop", "id", id); status != http.StatusBadRequest {
			t.Errorf("an id of %d bytes: %d %s", len(id), status, body)
		}
	}
	for _, id := range []string{"\x00\x1b[2J", "../../pods", "%2F", "\xff", "'; drop table events"} {
		if got := w.why(id); len(got.Events) > 0 {
			t.Errorf("%q is found", id)
		}
		w.send(orders, id, "order", "")
		if got := w.why(id); len(got.Events) != 1 {
			t.Errorf("%q is not found", id)
		}
	}
}

// TestGone: the story of an event outlives its channel.
func TestGone(t *testing.T) {
	w := newWorld(t)
	w.send(w.channel("orders"), "1", "order", "")
	w.story.Attempted(story.Attempt{Channel: name("orders"), Seq: 1, Subscription: name("shop-mail"), Number: 1, At: time.Now(), Said: "answered 200", Verdict: story.Delivered})
	if err := w.channels.Remove(t.Context(), name("orders")); err != nil {
		t.Fatal(err)
	}
	if got := w.why("1"); len(got.Events) != 1 || !got.Events[0].Gone || got.Events[0].Deliveries[0].State != explain.EventDelivered {
		t.Errorf("%+v", got)
	}
	w.send(w.channel("orders"), "2", "order", "") // it has the number of the first
	if got := w.why("1"); len(got.Events) != 0 {
		t.Errorf("another event is taken for it: %+v", got)
	}
}

func TestList(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	for i := range 300 {
		w.send(orders, fmt.Sprint(i), map[bool]string{true: "even", false: "odd"}[i%2 == 0], "\xff")
	}
	middle := time.Now().UTC().Format(time.RFC3339Nano)
	w.send(orders, "300", "even", "text")
	for _, tc := range []struct {
		name  string
		query []string
		want  string // the first, the last and the number
	}{
		{"the newest", nil, "282 301 20"},
		{"fewer", []string{"max", "2"}, "300 301 2"},
		{"from a number", []string{"from", "5", "max", "3"}, "5 7 3"},
		{"from a number that is gone, with a type", []string{"from", "0", "max", "3", "type", "odd"}, "2 6 3"},
		{"of a type", []string{"type", "odd", "max", "300"}, "2 300 150"},
		{"all", []string{"from", "earliest", "max", "10000"}, "1 301 301"},
		{"from a time", []string{"from", middle}, "301 301 1"},
		{"from now", []string{"from", "now"}, "0 0 0"},
	} {
		status, body := w.ask("good", "/-/events/shop/orders", tc.query...)
		var first, last uint64
		n := 0
		for text := range strings.Lines(body) {
			var e explain.StoredEvent
			if err := json.Unmarshal([]byte(text), &e); err != nil {
				t.Fatal(err)
			}
			if n++; n == 1 {
				first = e.Sequence
			}
			if last = e.Sequence; e.Data != "" || len(e.DataBase64) > 0 || e.ID != fmt.Sprint(e.Sequence-1) {
				t.Errorf("%s: %+v", tc.name, e)
			}
		}
		if got := fmt.Sprint(first, last, n); got != tc.want || status != http.StatusOK {
			t.Errorf("%s: %d, %s, want %s", tc.name, status, got, tc.want)
		}
	}
	for _, wrong := range [][]string{{"from", "yesterday"}, {"max", "-1"}, {"max", "10001"}, {"max", "many"}} {
		if status, body := w.ask("good", "/-/events/shop/orders", wrong...); status != http.StatusBadRequest {
			t.Errorf("%v: %d %s", wrong, status, body)
		}
	}
	if _, body := w.ask("good", "/-/events/shop/orders", "max", "2", "data", "1"); !strings.Contains(body, `"data_base64":"/w=="`) || !strings.Contains(body, `"data":"text"`) {
		t.Errorf("with data: %s", body)
	}
}

func TestFollow(t *testing.T) {
	w := newWorld(t)
	orders := w.channel("orders")
	w.send(orders, "before", "order", "")
	response := w.open("good", "/-/events/shop/orders", "follow", "1", "type", "order")
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	next := func() string {
		t.Helper()
		text, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if text := next(); text != "\n" {
		t.Errorf("it begins with %q", text)
	}
	w.send(orders, "other", "bill", "")
	for i := range 3 {
		w.send(orders, fmt.Sprint("new-", i), "order", "")
		if text := next(); !strings.Contains(text, fmt.Sprint(`"id":"new-`, i, `"`)) {
			t.Errorf("event %d: %s", i, text)
		}
	}
	w.end() // the program
	if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
		t.Errorf("at the end of the program: %q, %v", rest, err)
	}
}

func TestTooMany(t *testing.T) {
	w := newWorld(t)
	w.channel("orders")
	for range atOnce {
		response := w.open("good", "/-/events/shop/orders", "follow", "1")
		defer response.Body.Close()
	}
	if status, _ := w.ask("good", "/-/why/shop", "id", "1"); status != http.StatusServiceUnavailable {
		t.Errorf("answer %d to one question too many", status)
	}
}
