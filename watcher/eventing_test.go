package watcher

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// eventing are the Channels and Subscriptions that are there, with their owners.
func (w *world) eventing() []string {
	w.t.Helper()
	var channels v1alpha1.ChannelList
	var sources v1alpha1.SourceList
	var subscriptions v1alpha1.SubscriptionList
	must(w.t, w.client.List(w.t.Context(), &channels))
	must(w.t, w.client.List(w.t.Context(), &sources))
	must(w.t, w.client.List(w.t.Context(), &subscriptions))
	whose := func(o metav1.Object) string {
		if owner := metav1.GetControllerOf(o); owner != nil {
			return owner.Kind + " " + owner.Name
		}
		return "nobody"
	}
	var all []string
	for i := range channels.Items {
		c := &channels.Items[i]
		all = append(all, fmt.Sprintf("%s of %s, %s", c.Name, whose(c), c.Spec.Keep.Duration))
	}
	for i := range sources.Items {
		s := &sources.Items[i]
		all = append(all, fmt.Sprintf("source %s of %s to %s", s.Name, whose(s), s.Spec.Channel))
	}
	for i := range subscriptions.Items {
		s := &subscriptions.Items[i]
		all = append(all, fmt.Sprintf("%s of %s, %s to %s%s%s", s.Name, whose(s), s.Spec.Channel, s.Spec.To.App, s.Spec.To.Path, s.Spec.To.Channel))
	}
	return all
}

func (w *world) wantEventing(want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.eventing()); diff != "" {
		w.t.Errorf("channels and subscriptions (-want +got)\n%s", diff)
	}
}

// site is a file of an app that needs no build, beside its page.
func site(specs ...string) map[string]string {
	files := map[string]string{}
	for _, spec := range specs {
		name, _, _ := strings.Cut(strings.TrimPrefix(spec, "name: "), "\n")
		files[name+"/headway.yaml"], files[name+"/index.html"] = spec, "<p>"
	}
	return files
}

const withOrders = "name: shop\nchannels: [{name: orders}]\nevents: [{from: orders, to: /events}, {name: big, from: orders, to: {channel: big}}]\n"

// TestEventingFollowsGit: a push adds, changes and removes; a file that is broken
// changes nothing.
func TestEventingFollowsGit(t *testing.T) {
	w := newWorld(t)
	w.git.CommitAndPush("first", site(withOrders))
	w.look()
	w.wantEventing("orders of Repository repo, 168h0m0s", "shop-big of App shop, orders to big", "shop-orders of App shop, orders to shop/events")
	changed := "name: shop\nchannels: [{name: orders, keep: 1h}, {name: more}]\nevents: [{from: orders, to: /other}]\n"
	w.git.CommitAndPush("other", site(changed))
	w.look()
	now := []string{"more of Repository repo, 168h0m0s", "orders of Repository repo, 1h0m0s", "shop-orders of App shop, orders to shop/other"}
	w.wantEventing(now...)
	w.git.CommitAndPush("broken", site("name: shop\nprot: 1\nchannels: [{name: orders}, {name: more}]\n"))
	w.look()
	w.wantEventing(now...)
	w.wantCondition("SpecValid", metav1.ConditionFalse, v1alpha1.ReasonInvalidSpec, `unknown key "prot"`)
	w.told()
	w.git.CommitAndPush("none", site("name: shop\n"))
	w.restart()
	w.look()
	w.wantEventing()
	told := strings.Join(w.told(), "\n")
	for _, want := range []string{"ChannelRemoved channel more: no headway.yaml on main declares it", "SubscriptionRemoved subscription shop-orders"} {
		if !strings.Contains(told, want) {
			t.Errorf("%q is not told:\n%s", want, told)
		}
	}
}

// TestSourcesFollowGit: a push adds, changes, moves and removes those of an app and
// those of a headway.events.yaml; a file that is broken changes nothing.
func TestSourcesFollowGit(t *testing.T) {
	w := newWorld(t)
	const nightly = "name: shop\nevents: [{name: report, cron: 0 3 * * *, to: /report}]\n"
	const shared = "channels: [{name: orders}]\nsources: [{name: pods, kubernetes: {}, to: {channel: orders}}]\n"
	with := func(app, events string) map[string]string {
		files := site(app)
		if events != "" {
			files["headway.events.yaml"] = events
		}
		return files
	}
	w.git.CommitAndPush("first", with(nightly, shared))
	w.look()
	made := []string{"orders of Repository repo, 168h0m0s", "shop-report of App shop, 24h0m0s",
		"source pods of Repository repo to orders", "source shop-report of App shop to shop-report", "shop-report of App shop, shop-report to shop/report"}
	w.wantEventing(made...)
	w.git.CommitAndPush("broken", with("name: shop\nprot: 1\n", "channels: [{name: orders}]\nsources: [{name: pods, kubernetes: 1, to: {channel: orders}}]\n"))
	w.look()
	w.wantEventing(made...)
	w.wantCondition("SpecValid", metav1.ConditionFalse, v1alpha1.ReasonInvalidSpec, "headway.events.yaml:2:36: sources[0].kubernetes")
	w.git.CommitAndPush("moved", with(nightly+strings.Replace(shared, "{channel: orders}", "/pods", 1), "channels: []\n"))
	w.look()
	w.wantEventing("orders of Repository repo, 168h0m0s", "shop-pods of App shop, 24h0m0s", "shop-report of App shop, 24h0m0s",
		"source shop-pods of App shop to shop-pods", "source shop-report of App shop to shop-report",
		"shop-pods of App shop, shop-pods to shop/pods", "shop-report of App shop, shop-report to shop/report")
	w.told()
	w.git.CommitAndPush("none", with("name: shop\n", ""))
	w.restart()
	w.look()
	w.wantEventing()
	if told := strings.Join(w.told(), "\n"); !strings.Contains(told, "SourceRemoved source shop-report: no headway.yaml on main declares it") {
		t.Errorf("what goes is not told:\n%s", told)
	}
}

// TestEventingOfOthersIsLeftAlone: neither what somebody has made by hand nor what
// another Repository has is taken over, also where the cache does not show it.
func TestEventingOfOthersIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	must(t, w.client.Create(t.Context(), &v1alpha1.Channel{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "orders",
		OwnerReferences: []metav1.OwnerReference{ownedBy("Repository", &metav1.ObjectMeta{Name: "other", UID: "uid-of-other"})}}}))
	must(t, w.client.Create(t.Context(), &v1alpha1.Subscription{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web-orders"}}))
	there := w.eventing()
	w.git.CommitAndPush("first", site(withOrders, "name: web\nevents: [{from: orders, to: /}]\n", "name: mail\n"))
	w.look()
	w.wantEventing(there...)
	w.wantCondition("SpecValid", metav1.ConditionFalse, v1alpha1.ReasonNameConflict, `the Channel "orders" of this namespace belongs to Repository "other"; choose another name`)
	w.wantCondition("SpecValid", metav1.ConditionFalse, v1alpha1.ReasonNameConflict, `the Subscription "web-orders" of this namespace was not made from git; choose another name`)
	w.app("mail")

	w.r.client = &staleClient{Client: w.client}
	w.look()
	w.wantEventing(slices.Concat(there[:1], []string{"shop-big of App shop, orders to big", "shop-orders of App shop, orders to shop/events"}, there[1:])...)
	w.wantCondition("Complete", metav1.ConditionFalse, v1alpha1.ReasonNameConflict, `channel orders is not followed: the Channel "orders" of this namespace belongs to Repository "other"`)
}

// TestLeavingChannelIsWaitedFor: one of a Repository that was removed and added
// again is made anew when it is gone.
func TestLeavingChannelIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	left := &v1alpha1.Channel{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "orders",
		OwnerReferences: []metav1.OwnerReference{ownedBy("Repository", &metav1.ObjectMeta{Name: "repo", UID: "uid-of-the-removed"})}}}
	must(t, w.client.Create(t.Context(), left))
	w.git.CommitAndPush("first", site(withOrders))
	if result := w.look(); result.RequeueAfter != deletingRetry {
		t.Errorf("looks again after %v, want %v", result.RequeueAfter, deletingRetry)
	}
	w.wantCondition("Ready", metav1.ConditionUnknown, "Waiting", "older objects of the same name are deleted: channel orders")
	must(t, w.client.Delete(t.Context(), left))
	w.look()
	w.wantEventing("orders of Repository repo, 168h0m0s", "shop-big of App shop, orders to big", "shop-orders of App shop, orders to shop/events")
}

// TestEventingWithALaggingCache: what was just made is not forgotten.
func TestEventingWithALaggingCache(t *testing.T) {
	w := newWorld(t)
	w.git.CommitAndPush("first", site(withOrders))
	w.look()
	w.r.client = &staleClient{Client: w.client}
	w.git.CommitAndPush("none", site("name: shop\n"))
	w.look()
	w.wantEventing()
}

// TestWithChannels: variables have URLs, in previews those of branches.
func TestWithChannels(t *testing.T) {
	runtime := v1alpha1.Runtime{Env: []v1alpha1.EnvVar{{Name: "A", Value: "channel://orders"}, {Name: "B", Value: "x channel://orders"}, {Name: "C", Secret: &v1alpha1.KeyRef{Name: "a", Key: "b"}}}}
	before := runtime.DeepCopy()
	for want, preview := range map[string]*v1alpha1.BuiltFor{
		"http://headway-events.headway-system/team/orders":      nil,
		"http://headway-events.headway-system/team/orders-pr-7": {App: "shop", ChannelSuffix: "-pr-7"},
	} {
		got := withChannels(runtime, "team", preview)
		wanted := before.DeepCopy()
		wanted.Env[0].Value = want
		if diff := cmp.Diff(*wanted, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	if diff := cmp.Diff(*before, runtime); diff != "" {
		t.Errorf("what it is made from has changed\n%s", diff)
	}
}
