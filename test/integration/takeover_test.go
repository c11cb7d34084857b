//go:build integration

package integration

import (
	"net/http"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// postOf runs the eventing program beside the watcher of a repository.
func postOf(w watched) *post {
	w.Helper()
	p := &post{T: w.T, namespace: w.ns, data: w.TempDir(), mailbox: newMailbox(w.T)}
	p.start()
	return p
}

// route gives an app a host.
func (p *post) route(app string) (host string) {
	p.Helper()
	host = app + "." + p.namespace + ".localhost"
	p.create(object("Route", app, fields{"spec.app": app, "spec.hosts": []any{host}}))
	return host
}

// TestRenamedAppKeepsItsPlace: while an app is renamed its events go to the app that
// serves, and then on to the new one from where it was, also where the eventing
// program was away meanwhile.
func TestRenamedAppKeepsItsPlace(t *testing.T) {
	w := newWatched(t)
	w.follows(w.main())
	push := func(name string) {
		t.Helper()
		w.git.CommitAndPush("Name it "+name, map[string]string{"shop/headway.yaml": "name: " + name + "\npath: shop\nchannels: [{name: orders}]\nevents: [{from: orders, to: /events}]\n"})
		w.look()
	}
	p := postOf(w)
	shop, store := p.route("shop")+"/events", p.route("store")+"/events"
	push("shop")
	p.subscriptionSays("shop-orders", metav1.ConditionTrue, v1alpha1.ReasonDelivering, "")
	p.send("orders", "1", "good", http.StatusAccepted)
	p.mailbox.want(t, shop, "1")

	push("store")
	p.send("orders", "2", "good", http.StatusAccepted)
	p.mailbox.want(t, shop, "1", "2")
	if _, err := get(t, w.ns, "store-orders", &v1alpha1.Subscription{}); !apierrors.IsNotFound(err) {
		t.Errorf("the new app has a subscription already: %v", err)
	}
	p.counted("shop-orders", v1alpha1.SubscriptionStatus{Cursor: 2, Delivered: 2})

	app, err := get(t, w.ns, "store", &v1alpha1.App{})
	if err != nil {
		t.Fatal(err)
	}
	app.Status.Live, app.Status.ObservedGeneration = app.Spec.Heads[0].Revision, app.Generation
	meta.SetStatusCondition(&app.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonLive})
	if err := api.Status().Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	p.stop()
	w.look()
	if _, err := get(t, w.ns, "shop-orders", &v1alpha1.Subscription{}); !apierrors.IsNotFound(err) {
		t.Errorf("the app before has its subscription still: %v", err)
	}
	p.start()
	p.send("orders", "3", "good", http.StatusAccepted)
	p.mailbox.want(t, store, "3")
	p.counted("store-orders", v1alpha1.SubscriptionStatus{Cursor: 3, Delivered: 3})
	p.mailbox.want(t, shop, "1", "2")
}

// TestContinues: a Subscription that continues another one waits for its end.
func TestContinues(t *testing.T) {
	p := newPost(t)
	shop, store := p.route("shop")+"/", p.route("store")+"/"
	p.create(channel(nil))
	p.create(subscription(nil))
	p.subscriptionSays("shop-orders", metav1.ConditionTrue, v1alpha1.ReasonDelivering, "")
	next := object("Subscription", "store-orders", fields{"spec.channel": "orders", "spec.to.app": "store", "spec.continues": "shop-orders"})
	p.create(next)
	p.subscriptionSays("store-orders", metav1.ConditionUnknown, v1alpha1.ReasonWaiting, `subscription "shop-orders" delivers until it is deleted`)
	p.send("orders", "1", "good", http.StatusAccepted)
	p.mailbox.want(t, shop, "1")
	old, err := get(t, p.namespace, "shop-orders", &v1alpha1.Subscription{})
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Delete(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	p.subscriptionSays("store-orders", metav1.ConditionTrue, v1alpha1.ReasonDelivering, "")
	p.send("orders", "2", "good", http.StatusAccepted)
	p.mailbox.want(t, store, "2")
	p.mailbox.want(t, shop, "1")
	p.counted("store-orders", v1alpha1.SubscriptionStatus{Cursor: 2, Delivered: 2})
}
