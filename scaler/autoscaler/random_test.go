package autoscaler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/decide"
	"github.com/headway-dev/headway/scaler/park"
)

// cluster plays nodes, activators and the Deployment of the standby around an
// autoscaler, and everything that can go wrong.
type cluster struct {
	*world
	random *rand.Rand
	names  int

	mu   sync.Mutex      // Wake is called for several pods at the same time
	apps map[string]bool // by pod: the application runs; else it waits parked
	lost map[string]bool // cannot be reached
	log  []string
}

// Wake does what a pod would.
func (c *cluster) Wake(_ context.Context, _, uid string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch running, exists := c.apps[uid]; {
	case !exists || c.lost[uid]:
		return errUnreachable
	case running:
		return park.ErrRefused
	}
	c.apps[uid] = true
	return nil
}

func (c *cluster) note(format string, args ...any) {
	c.log = append(c.log, fmt.Sprintf(format, args...))
}

// pods of the standby that exist.
func (c *cluster) pods() []corev1.Pod {
	var list corev1.PodList
	if err := c.api.List(c.t.Context(), &list, client.HasLabels{v1alpha1.LabelStandby}); err != nil {
		c.t.Fatal(err)
	}
	return list.Items
}

// any is one of the pods of the standby.
func (c *cluster) any() (string, bool) {
	pods := c.pods()
	if len(pods) == 0 {
		return "", false
	}
	return pods[c.random.IntN(len(pods))].Name, true
}

const standbySize = 2

// others does what nodes and the Deployment of the standby do: applications
// that run become ready, and what is missing is made.
func (c *cluster) others() {
	parked := 0
	for _, pod := range c.pods() {
		if pod.Labels[v1alpha1.LabelStandby] == v1alpha1.StandbyParked {
			parked++
		}
		if c.apps[pod.Name] && !ready(&pod) {
			c.ready(pod.Name)
		}
	}
	for ; parked < standbySize; parked++ {
		c.names++
		name := fmt.Sprintf("p%d", c.names)
		c.addStandby(name, c.now.Truncate(time.Second))
		c.apps[name] = false
	}
}

func ready(pod *corev1.Pod) bool { return pod.Status.Conditions[0].Status == corev1.ConditionTrue }

// trouble is one thing that happens.
func (c *cluster) trouble() {
	name, found := c.any()
	if !found {
		return
	}
	switch c.random.IntN(7) {
	case 0:
		c.note("an activator wakes %s", name)
		_ = c.Wake(c.t.Context(), "", name)
	case 1:
		c.note("%s crashes", name)
		c.names++
		c.apps[name] = false
		c.restart(name, fmt.Sprint("c", c.names))
	case 2:
		c.note("%s is deleted", name)
		if err := c.api.Delete(c.t.Context(), &corev1.Pod{ObjectMeta: meta(name)}); err != nil {
			c.t.Fatal(err)
		}
	case 3:
		c.note("the autoscaler starts again")
		c.restartAutoscaler()
		c.stream = decide.Report{Stream: fmt.Sprint(c.names, len(c.log))}
	case 4:
		c.note("the API server refuses, or not")
		if c.refuse != nil {
			c.refuse = nil
		} else {
			c.refuse = errors.New("refused")
		}
	case 5:
		c.note("%s cannot be reached, or can", name)
		c.lost[name] = !c.lost[name]
	case 6:
		c.note("somebody scales by hand")
		n := c.random.Int32N(4)
		d := &appsv1.Deployment{}
		if err := c.api.Get(c.t.Context(), shop, d); err != nil {
			c.t.Fatal(err)
		}
		d.Spec.Replicas = &n
		if err := c.api.Update(c.t.Context(), d); err != nil {
			c.t.Fatal(err)
		}
		d.Status.ReadyReplicas = n
		if err := c.api.Status().Update(c.t.Context(), d); err != nil {
			c.t.Fatal(err)
		}
	}
}

// play lets time pass under a load, in steps.
func (c *cluster) play(d, step time.Duration, inFlight, queued int) {
	for end := c.now.Add(d); c.now.Before(end); c.now = c.now.Add(step) {
		c.others()
		c.stream.InFlight, c.stream.Queued, c.stream.At = inFlight, queued, c.now
		c.acts.reports = []decide.Report{c.stream}
		if _, err := c.Reconcile(c.t.Context(), ctrl.Request{NamespacedName: shop}); err != nil && c.refuse == nil {
			c.t.Fatal(err)
		}
		c.stream.Busy += time.Duration(inFlight+queued) * step
	}
}

// running counts the applications that run, and those pods that say so.
func (c *cluster) running() (apps, labelled int) {
	for _, pod := range c.pods() {
		if c.apps[pod.Name] {
			apps++
		}
		if pod.Labels[v1alpha1.LabelStandby] == v1alpha1.StandbyWoken {
			labelled++
		}
	}
	var d appsv1.Deployment
	if err := c.api.Get(c.t.Context(), shop, &d); err != nil {
		c.t.Fatal(err)
	}
	n := int(ptr.Deref(d.Spec.Replicas, 1))
	return apps + n, labelled + n
}

// TestWhateverHappensTheNumberIsRightInTheEnd has things go wrong at random, and
// then looks whether as many applications run as should.
func TestWhateverHappensTheNumberIsRightInTheEnd(t *testing.T) {
	logger := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	t.Cleanup(func() { slog.SetDefault(logger) })
	for seed := range uint64(4) {
		w, _ := parkedWorld(t, 0)
		c := &cluster{world: w, random: rand.New(rand.NewPCG(seed, 0)), apps: map[string]bool{}, lost: map[string]bool{}}
		w.Waker = c
		for range 30 {
			load := []int{0, 0, 3, 12, 30}[c.random.IntN(5)]
			c.note("load %d", load)
			c.play(time.Duration(c.random.IntN(8))*time.Second, 2*tick, load, c.random.IntN(2))
			c.trouble()
		}
		clear(c.lost)
		w.refuse = nil
		for _, end := range []struct {
			length     time.Duration
			load, pods int
		}{{4 * time.Minute, 12, 2}, {2 * time.Minute, 0, 0}, {12 * time.Second, 3, 1}} {
			c.play(end.length, 4*time.Second, end.load, 0)
			if apps, labelled := c.running(); apps != end.pods || labelled != end.pods {
				t.Fatalf("seed %d, load %d: %d applications run, %d count, want %d: %q", seed, end.load, apps, labelled, end.pods, c.log)
			}
		}
	}
}
