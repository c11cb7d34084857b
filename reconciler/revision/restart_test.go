package revision

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
)

func secret(version string) v1alpha1.ReferenceVersion {
	return v1alpha1.ReferenceVersion{Kind: "Secret", Name: "shop-db", Version: version}
}

var flags = v1alpha1.ReferenceVersion{Kind: "ConfigMap", Name: "flags", Version: "3"}

func restarted(at, by string) *v1alpha1.App {
	app := newApp()
	app.Annotations = map[string]string{v1alpha1.AnnotationRestartedAt: at, v1alpha1.AnnotationRestartedBy: by}
	return app
}

func TestStartWith(t *testing.T) {
	type with = v1alpha1.StartedWith
	type versions = []v1alpha1.ReferenceVersion
	ago := func(d time.Duration) *metav1.MicroTime { return &metav1.MicroTime{Time: start.Add(-d)} }
	for name, tc := range map[string]struct {
		last  with
		fresh bool // the image has just come
		seen  versions
		app   *v1alpha1.App
		want  with
		again time.Duration
	}{
		"nothing to note": {},
		"the image has come": {fresh: true, seen: versions{secret("1"), flags}, app: restarted("monday", "ada"),
			want: with{References: versions{flags, secret("1")}, Restart: "monday"}},
		"nothing has changed": {last: with{References: versions{flags, secret("1")}, Since: ago(time.Hour), Cause: "x"}, seen: versions{secret("1"), flags},
			want: with{References: versions{flags, secret("1")}, Since: ago(time.Hour), Cause: "x"}},
		"a Secret has changed": {last: with{References: versions{flags, secret("1")}}, seen: versions{secret("2"), flags},
			want: with{References: versions{flags, secret("2")}, Since: ago(0), Cause: `Secret "shop-db" changed to version 2`}},
		"two have changed": {last: with{References: versions{{Kind: "ConfigMap", Name: "flags", Version: "2"}, secret("1")}}, seen: versions{secret("2"), flags},
			want: with{References: versions{flags, secret("2")}, Since: ago(0), Cause: `ConfigMap "flags" changed to version 3, and 1 more`}},
		"it changes all the time": {last: with{References: versions{secret("1")}, Since: ago(20 * time.Second), Cause: "x"}, seen: versions{secret("2")},
			want: with{References: versions{secret("1")}, Since: ago(20 * time.Second), Cause: "x"}, again: 40 * time.Second},
		"... and a minute has passed": {last: with{References: versions{secret("1")}, Since: ago(time.Minute), Cause: "x"}, seen: versions{secret("3")},
			want: with{References: versions{secret("3")}, Since: ago(0), Cause: `Secret "shop-db" changed to version 3`}},
		"it has come": {seen: versions{secret("1")}, want: with{References: versions{secret("1")}}},
		"it is gone":  {last: with{References: versions{secret("1")}}, want: with{References: versions{secret("1")}}},
		"it is back, as another": {last: with{References: versions{secret("1")}}, seen: versions{secret("9")},
			want: with{References: versions{secret("9")}, Since: ago(0), Cause: `Secret "shop-db" changed to version 9`}},
		"asked for": {app: restarted("monday", "ada"),
			want: with{Restart: "monday", Since: ago(0), Cause: "asked for by ada at monday"}},
		"asked for by nobody": {app: restarted("monday", ""),
			want: with{Restart: "monday", Since: ago(0), Cause: "asked for at monday"}},
		"asked for again, at once": {last: with{Restart: "monday", Since: ago(time.Second), Cause: "x"}, app: restarted("tuesday", "ada"),
			want: with{Restart: "tuesday", Since: ago(0), Cause: "asked for by ada at tuesday"}},
		"asked for before": {last: with{Restart: "monday", Since: ago(time.Hour), Cause: "x"}, app: restarted("monday", "ada"),
			want: with{Restart: "monday", Since: ago(time.Hour), Cause: "x"}},
		"the wish is gone": {last: with{Restart: "monday", Since: ago(time.Hour), Cause: "x"}, app: newApp(),
			want: with{Restart: "monday", Since: ago(time.Hour), Cause: "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			rev := newRevision(commitA, func(r *v1alpha1.Revision) {
				r.Status.StartedWith = tc.last
				if !tc.fresh {
					r.Status.Image = "x@" + digest
				}
			})
			got, again := startWith(Seen{Revision: rev, App: tc.app, References: tc.seen}, start)
			if diff := cmp.Diff(tc.want, got); diff != "" || again != tc.again {
				t.Errorf("again in %v, want %v (-want +got):\n%s", again, tc.again, diff)
			}
		})
	}
}

// marked is a pod that was started with what the mark is of.
func marked(pod corev1.Pod, uid, mark string, change ...func(*corev1.Pod)) corev1.Pod {
	pod.UID, pod.Annotations = types.UID(uid), map[string]string{v1alpha1.AnnotationStartedWith: mark}
	for _, f := range change {
		f(&pod)
	}
	return pod
}

func labelled(value string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Labels = map[string]string{v1alpha1.LabelStandby: value} }
}

func going(pod *corev1.Pod) { pod.DeletionTimestamp = &metav1.Time{Time: start} }

// TestOutdated: woken pods, which no Deployment replaces, go as others can take
// their place.
func TestOutdated(t *testing.T) {
	woken := labelled(v1alpha1.StandbyWoken)
	old := func(uid string, change ...func(*corev1.Pod)) corev1.Pod {
		return marked(readyPod(), uid, "old", append(change, woken)...)
	}
	waiting := marked(newPod(corev1.ContainerStatus{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}), "p", "new", labelled(v1alpha1.StandbyParked))
	stale := marked(waiting, "s", "old", labelled(v1alpha1.StandbyParked))
	for name, tc := range map[string]struct {
		running, parked []corev1.Pod
		standby         int32
		want            string
	}{
		"none":                           {running: []corev1.Pod{marked(readyPod(), "a", "new", woken)}, standby: 1},
		"a pod of the Deployment":        {running: []corev1.Pod{marked(readyPod(), "a", "old")}, standby: 0},
		"nobody could take its place":    {running: []corev1.Pod{old("a")}, standby: 1},
		"one that is as old could":       {running: []corev1.Pod{old("a")}, parked: []corev1.Pod{stale}, standby: 1},
		"a parked one could":             {running: []corev1.Pod{old("a")}, parked: []corev1.Pod{waiting}, standby: 1, want: "a"},
		"a running one could":            {running: []corev1.Pod{old("a"), marked(readyPod(), "b", "new")}, standby: 1, want: "a"},
		"one for two":                    {running: []corev1.Pod{old("a"), old("b")}, parked: []corev1.Pod{waiting}, standby: 1, want: "a"},
		"one goes already":               {running: []corev1.Pod{old("a", going), old("b")}, parked: []corev1.Pod{waiting}, standby: 1},
		"there is no standby":            {running: []corev1.Pod{old("a"), old("b")}, want: "a"},
		"there is none, and one goes":    {running: []corev1.Pod{old("a", going), old("b")}},
		"a new one that is not yet up":   {running: []corev1.Pod{old("a"), marked(corev1.Pod{}, "b", "new")}, standby: 1},
		"woken, but not yet so labelled": {running: []corev1.Pod{marked(readyPod(), "a", "old", labelled(v1alpha1.StandbyParked))}},
	} {
		t.Run(name, func(t *testing.T) {
			standby := &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &tc.standby}}
			var got []string
			for _, pod := range outdated(tc.running, tc.parked, "new", standby) {
				got = append(got, string(pod.UID))
			}
			if strings.Join(got, " ") != tc.want {
				t.Errorf("deletes %v, want %q", got, tc.want)
			}
		})
	}
}

func TestRestartIsTold(t *testing.T) {
	crashed := marked(newPod(corev1.ContainerStatus{LastTerminationState: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{ExitCode: 3}}}), "c", "")
	for name, tc := range map[string]struct {
		pods func(mark string) []corev1.Pod
		want string
	}{
		"begun": {func(string) []corev1.Pod { return []corev1.Pod{readyPod()} },
			`1 pod is ready; pods are being restarted: Secret "shop-db" changed to version 2`},
		"done": {func(mark string) []corev1.Pod {
			return []corev1.Pod{marked(readyPod(), "a", mark), marked(readyPod(), "b", "old", going)}
		},
			`1 pod is ready; pods restarted: Secret "shop-db" changed to version 2`},
		"stuck": {func(mark string) []corev1.Pod { return []corev1.Pod{readyPod(), marked(crashed, "c", mark)} },
			`1 pod is ready; pods are being restarted: Secret "shop-db" changed to version 2; those that run stay, as a new one fails: the app exited with code 3`},
	} {
		t.Run(name, func(t *testing.T) {
			rev := newRevision(commitA, givenImage, func(r *v1alpha1.Revision) {
				r.Status.Image, r.Status.EverReady = r.Spec.Image, true
				r.Status.StartedWith.References = []v1alpha1.ReferenceVersion{secret("1")}
			})
			seen := Seen{Revision: rev, References: []v1alpha1.ReferenceVersion{secret("2")}, Given: &Given{Config: command}, Deployment: &appsv1.Deployment{}}
			mark := markOf(v1alpha1.StartedWith{References: seen.References})
			seen.Pods = tc.pods(mark)
			plan := PlanFor(seen, start)
			if got := plan.Status.Conditions[1].Message; plan.Status.State != v1alpha1.StateReady || got != tc.want {
				t.Errorf("%s %q\nwant Ready %q", plan.Status.State, got, tc.want)
			}
		})
	}
}

// TestSecretIsRotated: the pods are replaced by their Deployment, with nothing
// built or read of the Secret but its version.
func TestSecretIsRotated(t *testing.T) {
	db := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "shop-db", Namespace: "team"}, StringData: map[string]string{"url": "hunter2"}}
	rev := newRevision(commitA, givenImage, func(r *v1alpha1.Revision) {
		r.Spec.Env = []v1alpha1.EnvVar{{Name: "DB", Secret: &v1alpha1.KeyRef{Name: "shop-db", Key: "url"}}}
	})
	b := newBench(t, rev, newApp(head(rev)), db)
	template := func() string {
		b.built(rev)
		var d appsv1.Deployment
		if err := b.Client.Get(t.Context(), client.ObjectKeyFromObject(rev), &d); err != nil {
			t.Fatal(err)
		}
		return d.Spec.Template.Annotations[v1alpha1.AnnotationStartedWith]
	}
	first := template()
	if again := template(); first == "" || again != first {
		t.Errorf("mark %q, then %q with nothing changed", first, again)
	}
	if err := b.Client.Get(t.Context(), client.ObjectKeyFromObject(db), db); err != nil {
		t.Fatal(err)
	}
	db.StringData["url"] = "hunter3"
	if err := b.Client.Update(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if second := template(); second == first {
		t.Error("the pods are not replaced")
	}
	got, _ := b.get(rev)
	if with := got.Status.StartedWith; with.Since == nil || with.References[0].Version != db.ResourceVersion {
		t.Errorf("%+v, want version %s", with, db.ResourceVersion)
	}
	if err := b.Client.Delete(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if before := template(); template() != before {
		t.Error("pods are replaced, although the new ones could not start")
	}
}

// TestCacheLagsBehindSecrets: what the cache has not heard of yet is asked for, so
// that its first change is one.
func TestCacheLagsBehindSecrets(t *testing.T) {
	db := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop-db"}}
	b := newBench(t, db)
	b.Metadata = newBench(t).Client
	rev := &v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop-1"}}
	for _, name := range []string{"shop-db", "missing"} {
		rev.Spec.Env = append(rev.Spec.Env, v1alpha1.EnvVar{Name: name, Secret: &v1alpha1.KeyRef{Name: name, Key: "url"}})
	}
	got, err := b.referenceVersions(t.Context(), rev)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Client.Get(t.Context(), client.ObjectKeyFromObject(db), db); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]v1alpha1.ReferenceVersion{secret(db.ResourceVersion)}, got); diff != "" {
		t.Error(diff)
	}
}
