//go:build integration

package integration

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestPreviewEvents: a preview has branches of the channels, as its own commit uses
// them. What is sent to the one never comes to the other, unless production's file
// asks for copies; with the branch all of it goes.
func TestPreviewEvents(t *testing.T) {
	w := newWatched(t)
	p := postOf(w)
	const production = "name: shop\npath: shop\nchannels: [{name: orders, maxEvent: 64Ki}, {name: dead}]\nevents: [{from: orders, to: /events, deadLetter: dead}]\n"
	look := func(want ...string) {
		t.Helper()
		w.look()
		there, _ := w.eventing()
		if diff := cmp.Diff(want, there); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	push := func(preview string) {
		w.git.CommitAndPush("Production", map[string]string{"shop/headway.yaml": production + preview})
	}
	own := []string{"dead 168h0m0s", "orders 168h0m0s", "shop-orders orders to shop/events, filter false"}
	push("preview: {branches: ['**']}\n")
	look(own...)
	w.git.Commit("Try", map[string]string{"shop/headway.yaml": production + "env: {QUEUE: channel://dead}\n", "shop/main.go": "package main // try\n\nfunc main() {}\n"})
	w.git.Push("--force", "HEAD:refs/heads/try")
	w.git.Git("reset", "--hard", "--quiet", "HEAD~1")
	look("dead 168h0m0s", "dead-br-try 24h0m0s", "orders 168h0m0s", "orders-br-try 24h0m0s",
		"shop-br-try-orders orders-br-try to shop-br-try/events, filter false", "shop-orders orders to shop/events, filter false")

	shop, try := p.route("shop")+"/events", p.route("shop-br-try")+"/events"
	p.subscriptionSays("shop-br-try-orders", metav1.ConditionTrue, v1alpha1.ReasonDelivering, "")
	p.subscriptionSays("shop-orders", metav1.ConditionTrue, v1alpha1.ReasonDelivering, "")
	p.send("orders", "1", "good", http.StatusAccepted)
	p.send("orders-br-try", "2", "good", http.StatusAccepted)
	p.mailbox.want(t, shop, "1")
	p.mailbox.want(t, try, "2")

	push("preview: {branches: ['**'], events: mirror}\n")
	look("dead 168h0m0s", "dead-br-try 24h0m0s", "orders 168h0m0s", "orders-br-try 24h0m0s",
		"shop-br-try-mirror-orders orders to orders-br-try, filter false",
		"shop-br-try-orders orders-br-try to shop-br-try/events, filter false", "shop-orders orders to shop/events, filter false")
	p.subscriptionSays("shop-br-try-mirror-orders", metav1.ConditionTrue, v1alpha1.ReasonDelivering, "")
	p.send("orders", "3", "good", http.StatusAccepted)
	p.mailbox.want(t, shop, "1", "3")
	p.mailbox.want(t, try, "2", "3")

	w.git.Push(":refs/heads/try")
	w.look()
	eventually(t, "the preview's are gone", func() error {
		there, _ := w.eventing()
		if diff := cmp.Diff(own, there); diff != "" {
			return errors.New(diff)
		}
		return nil
	})
}
