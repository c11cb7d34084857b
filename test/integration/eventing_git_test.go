//go:build integration

package integration

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/specfile"
)

// TestEventingIsKept: the API server takes what the parser lets through, and
// changes nothing of it: else every look would write it again.
func TestEventingIsKept(t *testing.T) {
	ns := namespace(t)
	data, err := os.ReadFile(root + "/watcher/specfile/testdata/valid/events.yaml")
	if err != nil {
		t.Fatal(err)
	}
	spec, err := specfile.Parse("headway.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	all, err := os.ReadFile(root + "/watcher/specfile/testdata/sources/all.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sources, err := specfile.Parse("headway.yaml", all)
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range sources.Objects().Sources {
		made := &v1alpha1.Source{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: source.Name}, Spec: *source.Spec.DeepCopy()}
		if err := api.Create(t.Context(), made); err != nil {
			t.Errorf("source %s: %v", source.Name, err)
		}
		if diff := cmp.Diff(source.Spec, made.Spec); diff != "" {
			t.Errorf("source %s (-want +got)\n%s", source.Name, diff)
		}
	}
	for _, c := range slices.Concat(spec.Objects().Channels, sources.Objects().Channels[1:]) {
		made := &v1alpha1.Channel{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: c.Name}, Spec: *c.Spec.DeepCopy()}
		if err := api.Create(t.Context(), made); err != nil {
			t.Errorf("channel %s: %v", c.Name, err)
		}
		if diff := cmp.Diff(c.Spec, made.Spec); diff != "" {
			t.Errorf("channel %s (-want +got)\n%s", c.Name, diff)
		}
	}
	for _, e := range slices.Concat(spec.Objects().Subscriptions, sources.Objects().Subscriptions) {
		made := &v1alpha1.Subscription{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: e.Name}, Spec: *e.Spec.DeepCopy()}
		if err := api.Create(t.Context(), made); err != nil {
			t.Errorf("subscription %s: %v", e.Name, err)
		}
		if diff := cmp.Diff(e.Spec, made.Spec); diff != "" {
			t.Errorf("subscription %s (-want +got)\n%s", e.Name, diff)
		}
	}
}

// eventing are the Channels and Subscriptions that are there and stay, and the
// resource versions of all.
func (w watched) eventing() (there []string, versions string) {
	w.Helper()
	var channels v1alpha1.ChannelList
	var sources v1alpha1.SourceList
	var subscriptions v1alpha1.SubscriptionList
	for _, list := range []client.ObjectList{&channels, &sources, &subscriptions} {
		if err := api.List(w.Context(), list, client.InNamespace(w.ns)); err != nil {
			w.Fatal(err)
		}
	}
	for _, c := range channels.Items {
		there = append(there, fmt.Sprintf("%s %s", c.Name, c.Spec.Keep.Duration))
		versions += c.ResourceVersion + " "
	}
	for _, s := range sources.Items {
		there = append(there, fmt.Sprintf("source %s to %s", s.Name, s.Spec.Channel))
		versions += s.ResourceVersion + " "
	}
	for _, s := range subscriptions.Items {
		there = append(there, fmt.Sprintf("%s %s to %s%s%s, filter %v", s.Name, s.Spec.Channel, s.Spec.To.App, s.Spec.To.Path, s.Spec.To.Channel, s.Spec.Filter != nil))
		versions += s.ResourceVersion + " "
	}
	return there, versions
}

// TestEventingFollowsGit: a push adds, changes and removes channels and
// subscriptions; one that is broken changes nothing, a look without news writes
// nothing, and what somebody has made by hand is left alone.
func TestEventingFollowsGit(t *testing.T) {
	w := newWatched(t)
	w.follows(w.main())
	push := func(message, eventing string, want ...string) {
		t.Helper()
		w.git.CommitAndPush(message, map[string]string{"shop/headway.yaml": "name: shop\npath: shop\n" + eventing})
		w.look()
		there, versions := w.eventing()
		if diff := cmp.Diff(want, there); diff != "" {
			t.Errorf("%s (-want +got)\n%s", message, diff)
		}
		w.look()
		if _, again := w.eventing(); again != versions {
			t.Errorf("%s: a look without news wrote something: %s, before %s", message, again, versions)
		}
	}
	push("Add", "channels: [{name: orders}, {name: dead, keep: 48h}]\nevents:\n- {from: orders, filter: {any: [{type: a}, {not: {cesql: b = 'c'}}]}, to: /events, deadLetter: dead}\n- {name: big, from: orders, to: {channel: big}}\n",
		"dead 48h0m0s", "orders 168h0m0s", "shop-big orders to big, filter false", "shop-orders orders to shop/events, filter true")
	changed := []string{"dead 1h0m0s", "orders 168h0m0s", "shop-orders orders to shop/other, filter false"}
	push("Change", "channels: [{name: orders}, {name: dead, keep: 1h}]\nevents: [{from: orders, to: /other}]\n", changed...)
	push("Break", "channels: [{name: orders, kep: 1h}, {name: dead}]\n", changed...)
	push("Take events", "channels: [{name: orders}]\nsources: [{name: pods, kubernetes: {}, to: {channel: orders}}]\nevents: [{name: report, cron: 0 3 * * * Europe/Berlin, to: /report}]\n",
		"orders 168h0m0s", "shop-report 24h0m0s", "source pods to orders", "source shop-report to shop-report", "shop-report shop-report to shop/report, filter false")
	push("Move", "channels: [{name: orders}]\nsources: [{name: pods, kubernetes: {}, to: /pods}]\nevents: [{name: pods2, cron: 0 3 * * *, to: {channel: orders}}]\n",
		"orders 168h0m0s", "shop-pods 24h0m0s", "source shop-pods to shop-pods", "source shop-pods2 to orders", "shop-pods shop-pods to shop/pods, filter false")
	push("Remove", "channels: [{name: orders}]\n", "orders 168h0m0s")

	foreign := &v1alpha1.Channel{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: "mine"}, Spec: v1alpha1.ChannelSpec{Keep: metav1.Duration{Duration: time.Hour}}}
	if err := api.Create(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	push("Take", "channels: [{name: orders}, {name: mine, keep: 2h}]\n", "mine 1h0m0s", "orders 168h0m0s")
	repo, err := get(t, w.ns, "repo", &v1alpha1.Repository{})
	if err != nil {
		t.Fatal(err)
	}
	const want = `shop/headway.yaml:3:35: channels[1].name: the Channel "mine" of this namespace was not made from git; choose another name`
	if len(repo.Status.Apps) != 1 || !strings.Contains(repo.Status.Apps[0].Error, want) {
		t.Errorf("files are %+v, want the error %s", repo.Status.Apps, want)
	}
}
