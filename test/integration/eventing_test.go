//go:build integration

package integration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/program"
	"github.com/headway-dev/headway/eventing"
)

// mailbox plays the activators: it notes by host and path what comes, and refuses
// events whose data is "bad" until it is mended.
type mailbox struct {
	url string

	mu     sync.Mutex
	mended bool
	came   map[string][]string // ids, by host and path
}

func newMailbox(t *testing.T) *mailbox {
	m := &mailbox{came: map[string][]string{}}
	s := httptest.NewServer(m)
	t.Cleanup(s.Close)
	m.url = s.URL
	return m
}

func (m *mailbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	m.mu.Lock()
	defer m.mu.Unlock()
	if string(body) == "bad" && !m.mended {
		http.Error(w, "this is bad", http.StatusBadRequest)
		return
	}
	m.came[r.Host+r.URL.Path] = append(m.came[r.Host+r.URL.Path], r.Header.Get("Ce-Id"))
}

func inOrder(ids []string) string { return strings.Join(slices.Sorted(slices.Values(ids)), " ") }

// want waits until exactly these ids have come, in some order: none is kept.
func (m *mailbox) want(t *testing.T, where string, ids ...string) {
	t.Helper()
	eventually(t, "events for "+where, func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		if got, want := inOrder(m.came[where]), inOrder(ids); got != want {
			return fmt.Errorf("%q have come, want %q", got, want)
		}
		return nil
	})
}

// post is the eventing program, on one namespace.
type post struct {
	*testing.T
	namespace, data string
	mailbox         *mailbox
	url             string
	stop            func()
}

// start runs the program until it is stopped, or the test ends.
func (p *post) start() {
	p.Helper()
	listening := make(chan string, 1)
	e := eventing.New(eventing.Options{
		Data: p.data, Listen: "127.0.0.1:0", URL: "http://headway-events.headway-system", Activator: p.mailbox.url, Client: http.DefaultClient,
		Serve: func(ctx context.Context, l net.Listener, h http.Handler) error {
			listening <- "http://" + l.Addr().String()
			return program.Serve(ctx, l, h, time.Second)
		},
	})
	mgr, err := ctrl.NewManager(server, ctrl.Options{
		Scheme:     scheme,
		Cache:      cache.Options{DefaultNamespaces: map[string]cache.Config{p.namespace: {}}},
		Controller: config.Controller{SkipNameValidation: new(true)},
		Metrics:    metrics.Options{BindAddress: "0"},
	})
	if err == nil {
		err = e.Setup(mgr)
	}
	if err != nil {
		p.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ended, e.Close()); err != nil {
			p.Error(err)
		}
	})
	p.Cleanup(p.stop)
	p.url = <-listening
}

// send sends an event until the answer has a status.
func (p *post) send(channel, id, data string, status int) {
	p.Helper()
	eventually(p.T, "an event for "+channel, func() error {
		request, err := http.NewRequestWithContext(p.Context(), http.MethodPost, p.url+"/"+p.namespace+"/"+channel, strings.NewReader(data))
		if err != nil {
			return err
		}
		request.Header = http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {id}, "Ce-Source": {"/till"}, "Ce-Type": {"order.created"}, "Content-Type": {"text/plain"}}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != status {
			body, _ := io.ReadAll(response.Body)
			return fmt.Errorf("answered %s: %s", response.Status, body)
		}
		return nil
	})
}

func (p *post) create(o client.Object) {
	p.Helper()
	o.SetNamespace(p.namespace)
	if err := api.Create(p.Context(), o); err != nil {
		p.Fatal(err)
	}
}

// says waits until the condition Ready has this status and reason, and a message
// with this part.
func (p *post) says(o client.Object, conditions func() []metav1.Condition, status metav1.ConditionStatus, reason, part string) {
	p.Helper()
	eventually(p.T, o.GetName()+" says "+reason, func() error {
		if err := api.Get(p.Context(), client.ObjectKeyFromObject(o), o); err != nil {
			return err
		}
		ready := meta.FindStatusCondition(conditions(), v1alpha1.ConditionReady)
		if ready == nil || ready.Status != status || ready.Reason != reason || !strings.Contains(ready.Message, part) {
			return fmt.Errorf("Ready is %+v", ready)
		}
		return nil
	})
}

func (p *post) channelSays(name string, status metav1.ConditionStatus, reason string) *v1alpha1.Channel {
	p.Helper()
	c := &v1alpha1.Channel{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: name}}
	p.says(c, func() []metav1.Condition { return c.Status.Conditions }, status, reason, "")
	return c
}

func (p *post) subscriptionSays(name string, status metav1.ConditionStatus, reason, part string) *v1alpha1.Subscription {
	p.Helper()
	s := &v1alpha1.Subscription{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: name}}
	p.says(s, func() []metav1.Condition { return s.Status.Conditions }, status, reason, part)
	return s
}

func newPost(t *testing.T) *post {
	p := &post{T: t, namespace: namespace(t), data: t.TempDir(), mailbox: newMailbox(t)}
	p.start()
	return p
}

// TestEventsReachAnApp: from the Channel and the Subscription that are made to the
// app that gets the event, and the statuses that say so; also after a restart.
func TestEventsReachAnApp(t *testing.T) {
	p := newPost(t)
	p.create(channel(nil))
	p.create(object("Channel", "dead", fields{"spec": map[string]any{}}))
	p.create(object("Route", "shop", fields{"spec.app": "shop", "spec.hosts": []any{p.namespace + ".localhost"}}))
	p.create(subscription(fields{"spec.to.path": "/events", "spec.deadLetter": "dead"}))
	p.channelSays("orders", metav1.ConditionTrue, v1alpha1.ReasonAccepting)
	p.subscriptionSays("shop-orders", metav1.ConditionTrue, v1alpha1.ReasonDelivering, "")

	where := p.namespace + ".localhost/events"
	p.send("orders", "1", "good", http.StatusAccepted)
	p.mailbox.want(t, where, "1")
	p.stop()
	p.start()
	p.send("orders", "1", "good", http.StatusAccepted) // it is known
	p.send("orders", "2", "good", http.StatusAccepted)
	p.send("orders", "3", "bad", http.StatusAccepted)
	p.mailbox.want(t, where, "1", "2")

	p.counted("shop-orders", v1alpha1.SubscriptionStatus{Cursor: 3, Delivered: 2, Dead: 1})
	eventually(t, "the channel with the dead letter", func() error {
		if c := p.channelSays("dead", metav1.ConditionTrue, v1alpha1.ReasonAccepting); c.Status.Events != 1 || c.Status.Last != 1 {
			return fmt.Errorf("it has %+v", c.Status)
		}
		return nil
	})
	eventually(t, "an event about the dead letter", func() error {
		var told eventsv1.EventList
		if err := api.List(t.Context(), &told, client.InNamespace(p.namespace)); err != nil {
			return err
		}
		for _, e := range told.Items {
			if e.Reason == "DeadLetter" && e.Regarding.Name == "shop-orders" && strings.Contains(e.Note, "channel dead") {
				return nil
			}
		}
		return fmt.Errorf("%d others", len(told.Items))
	})
}

// counted waits until the status of a subscription has these numbers.
func (p *post) counted(name string, want v1alpha1.SubscriptionStatus) {
	p.Helper()
	eventually(p.T, "the status of "+name, func() error {
		got := p.subscriptionSays(name, metav1.ConditionTrue, v1alpha1.ReasonDelivering, "").Status
		if got.Cursor != want.Cursor || got.Lag != want.Lag || got.Delivered != want.Delivered || got.Filtered != want.Filtered || got.Dead != want.Dead || got.Retrying != want.Retrying {
			return fmt.Errorf("it is %+v", got)
		}
		return nil
	})
}

// TestEventsWait for what is missing or wrong; then they come.
func TestEventsWait(t *testing.T) {
	p := newPost(t)
	p.create(channel(nil))
	p.create(subscription(nil))
	p.create(object("Subscription", "filtered", fields{"spec.channel": "orders", "spec.to.url": p.mailbox.url + "/filtered", "spec.filter.cesql": "type ="}))
	p.create(object("Subscription", "copied", fields{"spec.channel": "orders", "spec.to.channel": "copies"}))
	p.subscriptionSays("shop-orders", metav1.ConditionFalse, v1alpha1.ReasonAppNotFound, `app "shop" does not exist`)
	wrong := p.subscriptionSays("filtered", metav1.ConditionFalse, v1alpha1.ReasonFilterInvalid, "filter.cesql: ")
	p.subscriptionSays("copied", metav1.ConditionFalse, v1alpha1.ReasonChannelNotFound, `to names channel "copies"`)
	p.send("orders", "1", "good", http.StatusAccepted)

	p.create(object("Route", "shop", fields{"spec.app": "shop", "spec.hosts": []any{p.namespace + ".localhost"}}))
	p.mailbox.want(t, p.namespace+".localhost/", "1")
	before := wrong.DeepCopy()
	wrong.Spec.Filter.CESQL = "type = 'order.created'"
	if err := api.Patch(t.Context(), wrong, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	p.mailbox.want(t, strings.TrimPrefix(p.mailbox.url, "http://")+"/filtered", "1")
	p.create(object("Channel", "copies", fields{"spec": map[string]any{}}))
	p.counted("copied", v1alpha1.SubscriptionStatus{Cursor: 1, Delivered: 1})
}

// TestHostOfAnotherApp: events go to no app that was not named.
func TestHostOfAnotherApp(t *testing.T) {
	p := newPost(t)
	p.create(channel(nil))
	host := []any{p.namespace + ".localhost"}
	p.create(object("Route", "a-first", fields{"spec.app": "a-first", "spec.hosts": host}))
	p.create(object("Route", "shop", fields{"spec.app": "shop", "spec.hosts": host}))
	p.create(subscription(nil))
	p.subscriptionSays("shop-orders", metav1.ConditionFalse, v1alpha1.ReasonHostConflict, p.namespace+"/a-first")
}

// TestDeletedChannelComesBack: it takes no events while it is away, and has those
// of before when it is back. So does the place of a subscription.
func TestDeletedChannelComesBack(t *testing.T) {
	p := newPost(t)
	made := channel(nil)
	p.create(made)
	sub := object("Subscription", "out", fields{"spec.channel": "orders", "spec.to.url": p.mailbox.url + "/out"})
	p.create(sub)
	p.subscriptionSays("out", metav1.ConditionTrue, v1alpha1.ReasonDelivering, "")
	p.send("orders", "1", "good", http.StatusAccepted)
	out := strings.TrimPrefix(p.mailbox.url, "http://") + "/out"
	p.mailbox.want(t, out, "1")
	for _, o := range []client.Object{made, sub} {
		if err := api.Delete(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	const none = "" // while the channel is there, an event without an id is answered with 400
	p.send("orders", none, "good", http.StatusNotFound)
	p.stop()
	p.start()
	p.send("orders", none, "good", http.StatusNotFound)

	p.create(channel(nil))
	p.send("orders", "3", "good", http.StatusAccepted)
	p.create(object("Subscription", "out", fields{"spec.channel": "orders", "spec.to.url": p.mailbox.url + "/out"}))
	p.mailbox.want(t, out, "1", "3")
	eventually(t, "the events of before", func() error {
		if c := p.channelSays("orders", metav1.ConditionTrue, v1alpha1.ReasonAccepting); c.Status.First != 1 || c.Status.Last != 2 {
			return fmt.Errorf("it has %+v", c.Status)
		}
		return nil
	})
}
