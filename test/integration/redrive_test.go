//go:build integration

package integration

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// asks changes what a subscription asks for.
func (p *post) asks(name string, change func(*v1alpha1.SubscriptionSpec)) {
	p.Helper()
	s := &v1alpha1.Subscription{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: name}}
	if err := api.Get(p.Context(), client.ObjectKeyFromObject(s), s); err != nil {
		p.Fatal(err)
	}
	before := s.DeepCopy()
	change(&s.Spec)
	if err := api.Patch(p.Context(), s, client.MergeFrom(before)); err != nil {
		p.Fatal(err)
	}
}

// ran waits until the status of a subscription says this of a run.
func (p *post) ran(name string, run func(*v1alpha1.SubscriptionStatus) *v1alpha1.EventRun, want v1alpha1.EventRun, part string) {
	p.Helper()
	eventually(p.T, want.Name+" is "+string(want.State), func() error {
		s := &v1alpha1.Subscription{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: name}}
		if err := api.Get(p.Context(), client.ObjectKeyFromObject(s), s); err != nil {
			return err
		}
		got := run(&s.Status)
		if got == nil || got.Name != want.Name || got.State != want.State || got.Delivered != want.Delivered || got.Dead != want.Dead ||
			got.Left != want.Left || !strings.Contains(got.Message, part) || (got.Finished == nil) != (want.State != v1alpha1.RunDone) {
			return fmt.Errorf("it is %+v", got)
		}
		return nil
	})
}

func redrive(s *v1alpha1.SubscriptionStatus) *v1alpha1.EventRun { return s.Redrive }
func replay(s *v1alpha1.SubscriptionStatus) *v1alpha1.EventRun  { return s.Replay }

// TestRedriveAndReplay: each by its name once, into the app and into one revision,
// with the result on the object; also over a restart and with another status.
func TestRedriveAndReplay(t *testing.T) {
	p := newPost(t)
	p.create(channel(nil))
	p.create(object("Channel", "dead", fields{"spec": map[string]any{}}))
	p.create(object("Route", "shop", fields{"spec.app": "shop", "spec.hosts": []any{p.namespace + ".localhost"},
		"spec.revisionHosts": []any{map[string]any{"host": "shop-1." + p.namespace + ".localhost", "revision": "shop-1"}}}))
	p.create(subscription(fields{"spec.to.path": "/events"}))
	where := p.namespace + ".localhost/events"
	p.asks("shop-orders", func(s *v1alpha1.SubscriptionSpec) { s.Redrive = &v1alpha1.EventRedrive{Name: "early"} })
	p.ran("shop-orders", redrive, v1alpha1.EventRun{Name: "early", State: v1alpha1.RunFailed}, "no deadLetter")
	p.asks("shop-orders", func(s *v1alpha1.SubscriptionSpec) { s.DeadLetter, s.Redrive = "dead", nil })
	p.subscriptionSays("shop-orders", metav1.ConditionTrue, v1alpha1.ReasonDelivering, "")
	p.send("orders", "1", "bad", http.StatusAccepted)
	p.send("orders", "2", "good", http.StatusAccepted)
	p.send("orders", "3", "bad", http.StatusAccepted)
	p.counted("shop-orders", v1alpha1.SubscriptionStatus{Cursor: 3, Delivered: 1, Dead: 2})

	p.asks("shop-orders", func(s *v1alpha1.SubscriptionSpec) { s.Redrive = &v1alpha1.EventRedrive{Name: "too-soon"} })
	p.ran("shop-orders", redrive, v1alpha1.EventRun{Name: "too-soon", State: v1alpha1.RunDone, Dead: 2}, "")
	p.mailbox.mu.Lock()
	p.mailbox.mended = true
	p.mailbox.mu.Unlock()
	p.asks("shop-orders", func(s *v1alpha1.SubscriptionSpec) { s.Redrive.Name = "mended" })
	p.ran("shop-orders", redrive, v1alpha1.EventRun{Name: "mended", State: v1alpha1.RunDone, Delivered: 2}, "")
	eventually(t, "the two events", func() error {
		p.mailbox.mu.Lock()
		defer p.mailbox.mu.Unlock()
		if came := p.mailbox.came[where]; len(came) != 3 {
			return fmt.Errorf("%v have come", came)
		}
		return nil
	})

	p.asks("shop-orders", func(s *v1alpha1.SubscriptionSpec) {
		s.Replay = &v1alpha1.EventReplay{Name: "one", From: "id:2", Revision: "shop-2"}
	})
	p.ran("shop-orders", replay, v1alpha1.EventRun{Name: "one", State: v1alpha1.RunWaiting}, `no revision "shop-2"`)
	p.asks("shop-orders", func(s *v1alpha1.SubscriptionSpec) { s.Replay.Revision = "shop-1" })
	p.ran("shop-orders", replay, v1alpha1.EventRun{Name: "one", State: v1alpha1.RunDone, Delivered: 2}, "")
	p.mailbox.mu.Lock()
	if came := p.mailbox.came["shop-1."+where]; len(came) != 2 {
		t.Errorf("%v were replayed", came)
	}
	p.mailbox.mu.Unlock()
	p.asks("shop-orders", func(s *v1alpha1.SubscriptionSpec) {
		s.Replay = &v1alpha1.EventReplay{Name: "lost", From: "id:none"}
	})
	p.ran("shop-orders", replay, v1alpha1.EventRun{Name: "lost", State: v1alpha1.RunFailed}, `no event with id "none"`)

	// Neither the status alone nor what the program keeps alone runs one again.
	p.asks("shop-orders", func(s *v1alpha1.SubscriptionSpec) { s.Replay.From, s.Replay.Name = "earliest", "one" })
	p.ran("shop-orders", replay, v1alpha1.EventRun{Name: "one", State: v1alpha1.RunDone, Delivered: 2}, "")
	p.stop()
	p.data = t.TempDir()
	p.start()
	p.send("orders", "4", "good", http.StatusAccepted)
	eventually(t, "a look at the subscription without what was known of it", func() error {
		if s := p.subscriptionSays("shop-orders", metav1.ConditionTrue, v1alpha1.ReasonDelivering, ""); s.Status.Cursor > 1 {
			return fmt.Errorf("it is %+v", s.Status)
		}
		return nil
	})
	p.ran("shop-orders", redrive, v1alpha1.EventRun{Name: "mended", State: v1alpha1.RunDone, Delivered: 2}, "")
	p.ran("shop-orders", replay, v1alpha1.EventRun{Name: "one", State: v1alpha1.RunDone, Delivered: 2}, "")
}
