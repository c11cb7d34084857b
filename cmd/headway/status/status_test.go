package status

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) metav1.ObjectMeta {
	return metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(noon.Add(-d))}
}

func micro(d time.Duration) metav1.MicroTime { return metav1.NewMicroTime(noon.Add(-d)) }

func named(namespace, name string, m metav1.ObjectMeta) metav1.ObjectMeta {
	m.Namespace, m.Name = namespace, name
	return m
}

func condition(kind string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message}
}

func conditions(c ...metav1.Condition) []metav1.Condition { return c }

func app(namespace, name string, change func(*v1alpha1.App)) *v1alpha1.App {
	live := metav1.NewMicroTime(noon.Add(-3 * time.Minute))
	a := &v1alpha1.App{
		ObjectMeta: named(namespace, name, ago(time.Hour)),
		Spec: v1alpha1.AppSpec{Repository: "mono", Path: "services/" + name + "/headway.yaml", ProductionRef: "refs/heads/main",
			Heads: []v1alpha1.Head{{Ref: "refs/heads/main", Revision: name + "-1a2b3c4d"}}},
		Status: v1alpha1.AppStatus{
			URL: "http://" + name + ".localhost:8080", Live: name + "-1a2b3c4d", TrafficSummary: "100% 1a2b3c4d", LiveSince: &live,
			Conditions: conditions(condition("Ready", "True", v1alpha1.ReasonLive, ""), condition("SpecValid", "True", v1alpha1.ReasonValid, "")),
		},
	}
	if change != nil {
		change(a)
	}
	return a
}

func revision(namespace, app, commit string, age time.Duration, change func(*v1alpha1.Revision)) *v1alpha1.Revision {
	r := &v1alpha1.Revision{
		ObjectMeta: named(namespace, app+"-"+commit, ago(age)),
		Spec:       v1alpha1.RevisionSpec{App: app, Ref: "refs/heads/main", Commit: strings.Repeat(commit, 5), Subject: "Change " + commit},
		Status: v1alpha1.RevisionStatus{Replicas: 1, Conditions: conditions(
			condition("Built", "True", v1alpha1.ReasonBuildSucceeded, ""), condition("Ready", "True", v1alpha1.ReasonRunning, ""))},
	}
	if change != nil {
		change(r)
	}
	return r
}

// source is one that an app declares.
func source(name, app string, status v1alpha1.SourceStatus) *v1alpha1.Source {
	s := &v1alpha1.Source{ObjectMeta: named("default", name, ago(time.Hour)), Status: status,
		Spec: v1alpha1.SourceSpec{Channel: name, Cron: &v1alpha1.CronSource{Schedule: "0 3 * * *"}}}
	s.Labels = map[string]string{v1alpha1.LabelApp: app}
	return s
}

// subscription is one that an app declares and gets the events of.
func subscription(name, app string, change func(*v1alpha1.Subscription)) *v1alpha1.Subscription {
	s := &v1alpha1.Subscription{ObjectMeta: named("default", name, ago(time.Hour)), Spec: v1alpha1.SubscriptionSpec{Channel: "orders", To: v1alpha1.EventTarget{App: app, Path: "/events"}},
		Status: v1alpha1.SubscriptionStatus{Conditions: conditions(condition("Ready", "True", v1alpha1.ReasonDelivering, ""))}}
	s.Labels = map[string]string{v1alpha1.LabelApp: app}
	if change != nil {
		change(s)
	}
	return s
}

// objects are a namespace in which several things are wrong, and another.
func objects() []client.Object {
	return []client.Object{
		&v1alpha1.Repository{ObjectMeta: named("default", "mono", ago(time.Hour)), Status: v1alpha1.RepositoryStatus{
			Apps: []v1alpha1.RepositoryApp{{Path: "services/shop/headway.yaml", Name: "shop", Error: "services/shop/headway.yaml:2:1: …"}},
			Conditions: conditions(condition("Ready", "False", v1alpha1.ReasonAuthenticationFailed, "the remote refuses the credentials in secret mono-git"),
				condition("SpecValid", "False", v1alpha1.ReasonInvalidSpec, "services/new/headway.yaml:1:1: name: missing\nservices/shop/headway.yaml:2:1: unknown key \"prot\"\nservices/shop/headway.yaml:3:1: timeout: …"))}},
		&v1alpha1.Repository{ObjectMeta: named("other", "mono", ago(time.Hour))},
		app("default", "hello", nil),
		app("default", "shop", func(a *v1alpha1.App) {
			a.Status.TrafficSummary = "90% 1a2b3c4d, 10% 5e6f7081"
			a.Status.Revisions = []v1alpha1.RevisionRole{
				{Name: "shop-1a2b3c4d", Role: v1alpha1.RoleLive, Weight: 9000}, {Name: "shop-5e6f7081", Role: v1alpha1.RoleCandidate, Weight: 1000}}
			a.Status.Hosts = []string{"shop.example.com", "www.shop.example.com"}
			a.Status.Branches = []v1alpha1.Branch{{Ref: "refs/heads/beta", URL: "http://shop-beta.localhost:8080", Revision: "shop-66666666"}}
			a.Status.Conditions = conditions(
				condition("Ready", "False", v1alpha1.ReasonNewestFailed, "shop-99999999: the build failed; shop-1a2b3c4d goes on serving"),
				condition("SpecValid", "False", v1alpha1.ReasonInvalidSpec, "services/shop/headway.yaml:2:1: unknown key \"prot\"\nservices/shop/headway.yaml:3:1: timeout: …"))
		}),
		app("default", "waiting", func(a *v1alpha1.App) {
			a.Status = v1alpha1.AppStatus{Conditions: conditions(condition("Ready", "Unknown", v1alpha1.ReasonWaiting, ""))}
		}),
		app("default", "new", func(a *v1alpha1.App) { a.Status = v1alpha1.AppStatus{} }),
		app("other", "hello", func(a *v1alpha1.App) { a.Spec.Pin = "hello-1a2b3c4d" }),
		revision("default", "shop", "1a2b3c4d", time.Hour, func(r *v1alpha1.Revision) {
			r.Status.Replicas, r.Status.Standby = 3, &v1alpha1.Standby{Asked: 2, Parked: 2}
			r.Status.StartedWith = v1alpha1.StartedWith{Since: &metav1.MicroTime{Time: noon.Add(-5 * time.Minute)}, Cause: `Secret "shop-db" changed to version 812`}
			r.Status.ImageConfig = &v1alpha1.ImageConfig{SizeBytes: 12_400_000}
			r.Status.FirstStart = &metav1.Duration{Duration: 12 * time.Second}
			r.Status.Scaling = &v1alpha1.Scaling{From: 1, To: 3, Reason: "overload: 21.7 requests in flight over 3s, 10 to a pod", At: micro(12 * time.Second)}
		}),
		revision("default", "shop", "5e6f7081", 10*time.Minute, func(r *v1alpha1.Revision) {
			r.Status.Replicas, r.Spec.Ref = 0, "refs/tags/v1"
			r.Status.Standby = &v1alpha1.Standby{Asked: 1, Problem: "the image names no command"}
			r.Status.Conditions[1] = condition("Ready", "True", v1alpha1.ReasonIdle, "no pod runs; a request starts one")
			r.Status.Scaling = &v1alpha1.Scaling{From: 1, Reason: "no request for 30s", At: micro(30 * time.Minute)}
		}),
		revision("default", "shop", "99999999", time.Minute, func(r *v1alpha1.Revision) {
			r.Spec.Subject = "Break it \x1b[2J\x1b[31mand clear the screen of whoever looks, at great length"
			r.Status = v1alpha1.RevisionStatus{
				Conditions: conditions(condition("Built", "False", v1alpha1.ReasonBuildFailed, `commit 99999999: step "build" failed: exit code 1: ./main.go:3:1: syntax error`),
					condition("Ready", "False", v1alpha1.ReasonNotBuilt, "the build failed")),
				Build: &v1alpha1.BuildStatus{FailedStep: "build", LastLogLines: []string{"# example.com/shop", "./main.go:3:1: syntax error\x1b[2J"}},
			}
		}),
		revision("default", "shop", "88888888", 2*time.Minute, func(r *v1alpha1.Revision) {
			r.Status = v1alpha1.RevisionStatus{Conditions: conditions(condition("Built", "False", v1alpha1.ReasonSuperseded, "a newer commit came"),
				condition("Ready", "False", v1alpha1.ReasonNotBuilt, ""))}
		}),
		revision("default", "shop", "77777777", 30*time.Second, func(r *v1alpha1.Revision) {
			r.Status = v1alpha1.RevisionStatus{Conditions: conditions(condition("Built", "Unknown", v1alpha1.ReasonBuilding, ""))}
		}),
		revision("default", "shop", "66666666", 72*time.Hour, func(r *v1alpha1.Revision) {
			r.Status.Conditions[1] = condition("Ready", "False", v1alpha1.ReasonStartFailed, "container exited with code 2")
			r.Status.Scaling = &v1alpha1.Scaling{To: 1, Reason: "without traffic, so of no interest", At: micro(72 * time.Hour)}
		}),
		revision("other", "hello", "1a2b3c4d", time.Hour, nil),
		subscription("shop-charge", "shop", func(s *v1alpha1.Subscription) {
			s.Status = v1alpha1.SubscriptionStatus{Lag: 7, Retrying: 2, Dead: 1, Conditions: conditions(condition("Ready", "True", v1alpha1.ReasonDelivering, "2 of the events are tried again")),
				LastFailure: &v1alpha1.DeliveryFailure{Event: "e7\x1b[2J", At: metav1.NewTime(noon.Add(-5 * time.Second)), Message: "answered 503"}}
		}),
		subscription("shop-big", "shop", func(s *v1alpha1.Subscription) {
			s.Spec.To = v1alpha1.EventTarget{Channel: "big"}
			s.Status.Conditions = conditions(condition("Ready", "False", v1alpha1.ReasonChannelNotFound, `to names channel "big", which does not exist in namespace default`))
		}),
		subscription("hello-mail", "hello", nil),
		source("shop-nightly", "shop", v1alpha1.SourceStatus{Conditions: conditions(condition("Ready", "True", v1alpha1.ReasonTaking, "")), Events: 1200, LastEvent: new(metav1.NewTime(noon.Add(-9 * time.Hour)))}),
		source("shop-monthly", "shop", v1alpha1.SourceStatus{Conditions: conditions(condition("Ready", "False", v1alpha1.ReasonSourceInvalid, `schedule "0 3 32 * *": day of the month: "32" must be *, or a number from 1 to 31`))}),
		source("hello-nightly", "hello", v1alpha1.SourceStatus{Conditions: conditions(condition("Ready", "True", v1alpha1.ReasonTaking, ""))}),
	}
}

func TestStatus(t *testing.T) {
	c := fake.NewClientBuilder().WithScheme(cli.Scheme()).WithObjects(objects()...).Build()
	young := fake.NewClientBuilder().WithScheme(cli.Scheme()).WithObjects(&v1alpha1.Repository{
		ObjectMeta: named("default", "shop", ago(5*time.Second)),
		Spec:       v1alpha1.RepositorySpec{URL: "https://git.example.com/shop.git", ProductionBranch: "main"},
	}).Build()
	empty := fake.NewClientBuilder().WithScheme(cli.Scheme()).Build()
	for _, v := range []struct {
		golden string
		from   client.Reader
		view   view
	}{
		{"status_namespace.golden", c, view{namespace: "default"}},
		{"status_all.golden", c, view{}},
		{"status_app.golden", c, view{namespace: "default", app: "shop"}},
		{"status_pinned.golden", c, view{namespace: "other", app: "hello"}},
		{"status_colour.golden", c, view{namespace: "default", app: "shop", paint: true}},
		{"status_young.golden", young, view{namespace: "default"}},
		{"status_empty.golden", empty, view{namespace: "default"}},
	} {
		t.Run(v.golden, func(t *testing.T) {
			s, err := readState(context.Background(), v.from, v.view.namespace, v.view.app)
			if err != nil {
				t.Fatal(err)
			}
			v.view.now = noon
			golden(t, v.golden, rendered(s, v.view))
		})
	}
}

func TestStatusOfUnknownApp(t *testing.T) {
	c := fake.NewClientBuilder().WithScheme(cli.Scheme()).WithObjects(objects()...).Build()
	for namespace, want := range map[string]string{
		"default": "there is no app shpo in namespace default, but hello, new, shop and waiting" +
			"\nrepository mono: AuthenticationFailed: the remote refuses the credentials in secret mono-git",
		"nowhere": "there is no app shpo in namespace nowhere, nor any other",
	} {
		if _, err := readState(context.Background(), c, namespace, "shpo"); err == nil || err.Error() != want {
			t.Errorf("error = %v, want %q", err, want)
		}
	}
}

// TestStatusJSON checks what scripts rely on: five lists, never null, newest
// revision first, kinds set.
func TestStatusJSON(t *testing.T) {
	c := fake.NewClientBuilder().WithScheme(cli.Scheme()).WithObjects(objects()...).Build()
	s, err := readState(context.Background(), c, "default", "shop")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Apps, Repositories, Revisions []struct {
			Kind     string
			Metadata struct{ Name string }
		}
	}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Apps) != 1 || got.Apps[0].Kind != "App" || len(got.Repositories) != 1 || len(got.Revisions) != 6 {
		t.Fatalf("got %+v", got)
	}
	if first, last := got.Revisions[0].Metadata.Name, got.Revisions[5].Metadata.Name; first != "shop-77777777" || last != "shop-66666666" {
		t.Errorf("revisions go from %s to %s, want newest first", first, last)
	}
	s, err = readState(context.Background(), c, "nowhere", "")
	if err != nil {
		t.Fatal(err)
	}
	if data, _ = json.Marshal(s); string(data) != `{"repositories":[],"apps":[],"previews":[],"revisions":[],"subscriptions":[],"sources":[]}` {
		t.Errorf("empty state is %s", data)
	}
}
