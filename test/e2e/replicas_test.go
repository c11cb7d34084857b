//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/test/localcluster"
)

const eventingName = "headway-eventing"

// TestThreeReplicas: three pods keep the events. The one that leads is lost with its
// pod, and then killed in its pod, while events are sent: another one goes on, and
// everything that was accepted comes.
func TestThreeReplicas(t *testing.T) {
	keepEventsIn(t, 3)
	tm := newTeam(t)
	came := startReceiver(t)
	tm.create(&v1alpha1.Channel{
		ObjectMeta: metav1.ObjectMeta{Namespace: tm.namespace, Name: "orders"},
		Spec:       v1alpha1.ChannelSpec{Size: resource.MustParse("64Mi")},
	})
	tm.create(&v1alpha1.Subscription{
		ObjectMeta: metav1.ObjectMeta{Namespace: tm.namespace, Name: "all"},
		Spec:       v1alpha1.SubscriptionSpec{Channel: "orders", To: v1alpha1.EventTarget{URL: came.url}, Retry: v1alpha1.EventRetry{Max: metav1.Duration{Duration: time.Second}}},
	})
	tm.waitDelivering("all")
	sending := tm.startSending("orders", 5)
	// What is accepted shortly before a loss waits in the channel while it happens.
	for _, lose := range []struct {
		what string
		do   func(leader *corev1.Pod)
	}{
		{"the pod is deleted at once", func(leader *corev1.Pod) {
			if err := kube.Delete(t.Context(), leader, client.GracePeriodSeconds(0)); err != nil {
				t.Fatal(err)
			}
		}},
		{"the process gets SIGKILL", func(leader *corev1.Pod) {
			if killProcesses(t, "/headway/eventing", leader) != 1 {
				t.Errorf("%s has no process", leader.Name)
			}
		}},
	} {
		leader := tm.leader()
		came.refuse(true)
		sending.waitMore(100)
		begin, before := time.Now(), sending.accepted()
		t.Logf("%s leads; %s", leader.Name, lose.what)
		lose.do(leader)
		came.refuse(false)
		eventually(t, 2*soon, "what was accepted before has come", func() error { return came.missing(before) })
		t.Logf("%d events were accepted before, and had all come after %.1fs", len(before), time.Since(begin).Seconds())
		sending.waitMore(100)
		t.Logf("another 100 events were accepted after %.1fs", time.Since(begin).Seconds())
		waitReplicas(t, 3)
	}
	all := sending.stop()
	eventually(t, 2*soon, "everything has come", func() error { return came.missing(all) })
	t.Logf("%d events were accepted, %d deliveries were repeated", len(all), came.again())
}

// keepEventsIn has so many pods keep the events until the test ends, and then one.
func keepEventsIn(t *testing.T, replicas int) {
	t.Helper()
	up := func(replicas int) {
		t.Helper()
		if err := command("make", "up", "FORGE=gitea", fmt.Sprint("EVENTING_REPLICAS=", replicas)); err != nil {
			t.Fatalf("bringing up %d replicas of eventing: %v", replicas, err)
		}
	}
	t.Cleanup(func() { up(1) })
	up(replicas)
	waitReplicas(t, int32(replicas))
}

// waitReplicas waits until so many pods of eventing are ready.
func waitReplicas(t *testing.T, replicas int32) {
	t.Helper()
	eventually(t, built, fmt.Sprint("ready pods of eventing: ", replicas), func() error {
		set := &appsv1.StatefulSet{}
		if err := kube.Get(t.Context(), client.ObjectKey{Namespace: localcluster.SystemNamespace, Name: eventingName}, set); err != nil {
			return err
		}
		return errors.Join(want("replicas", *set.Spec.Replicas, replicas), want("ready", set.Status.ReadyReplicas, replicas))
	})
}

// leader is the pod of eventing that has said last that it leads: the one with the
// greatest claim.
func (tm *team) leader() *corev1.Pod {
	tm.Helper()
	var leader *corev1.Pod
	eventually(tm.T, 2*soon, "a pod leads", func() error {
		greatest := uint64(0)
		for _, pod := range systemPods(tm.T, eventingName) {
			log, err := cluster.Logs.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{}).DoRaw(tm.Context())
			if err != nil {
				return err
			}
			for line := range bytes.Lines(log) {
				var said struct{ Claim uint64 }
				if json.Unmarshal(line, &said) == nil && said.Claim > greatest {
					greatest, leader = said.Claim, &pod
				}
			}
		}
		if leader == nil {
			return errors.New("none says so")
		}
		return nil
	})
	return leader
}

// receiver counts the events that come to this machine.
type receiver struct {
	url     string
	mu      sync.Mutex
	refuses bool
	times   map[string]int // by id
}

// startReceiver listens on the node's address, which the pods of eventing reach.
func startReceiver(t *testing.T) *receiver {
	t.Helper()
	listener, err := net.Listen("tcp", layout.NodeIP+":0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{url: "http://" + listener.Addr().String() + "/", times: map[string]int{}}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		_, _ = io.Copy(io.Discard, request.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.refuses {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		r.times[request.Header.Get("Ce-Id")]++
	})}
	go server.Serve(listener)
	t.Cleanup(func() { _ = server.Close() })
	return r
}

// refuse has it answer with 503, or not any more.
func (r *receiver) refuse(yes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuses = yes
}

// missing is an error unless all of ids have come.
func (r *receiver) missing(ids []string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, first := 0, ""
	for _, id := range ids {
		if r.times[id] == 0 {
			n, first = n+1, id
		}
	}
	if n > 0 {
		return fmt.Errorf("%d of %d events are missing, such as %s", n, len(ids), first)
	}
	return nil
}

// again is how many deliveries were repeated.
func (r *receiver) again() (again int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, times := range r.times {
		again += times - 1
	}
	return again
}

// sending are senders at work.
type sending struct {
	*testing.T
	quit    context.CancelFunc
	senders sync.WaitGroup
	mu      sync.Mutex
	ids     []string // of what was accepted
}

// startSending has so many senders send to a channel, one event after the other. An
// event that is not accepted is sent again.
func (tm *team) startSending(channel string, senders int) *sending {
	tm.Helper()
	url := tm.channelURL(channel)
	ctx, quit := context.WithCancel(tm.Context())
	s := &sending{T: tm.T, quit: quit}
	for sender := range senders {
		s.senders.Go(func() {
			// A pod that is gone answers nothing, and a connection to it never ends.
			web := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{}}
			defer web.CloseIdleConnections()
			for n := 0; ctx.Err() == nil; n++ {
				id := fmt.Sprintf("%d-%d", sender, n)
				for !accepted(ctx, web, url, id) && ctx.Err() == nil {
					time.Sleep(50 * time.Millisecond)
				}
				if ctx.Err() == nil {
					s.mu.Lock()
					s.ids = append(s.ids, id)
					s.mu.Unlock()
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	tm.Cleanup(func() { s.stop() })
	return s
}

// accepted sends an event and reports whether it was accepted.
func accepted(ctx context.Context, web *http.Client, url, id string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		return false
	}
	request.Header = eventHeaders(id)
	response, err := web.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode == http.StatusAccepted
}

// accepted are the ids of what was accepted so far.
func (s *sending) accepted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ids[:len(s.ids):len(s.ids)]
}

// waitMore waits until so many more events are accepted.
func (s *sending) waitMore(more int) {
	s.Helper()
	before := len(s.accepted())
	eventually(s.T, 2*soon, fmt.Sprint("more events accepted: ", more), func() error {
		if now := len(s.accepted()) - before; now < more {
			return fmt.Errorf("%d", now)
		}
		return nil
	})
}

// stop ends the senders and returns the ids of all that was accepted.
func (s *sending) stop() []string {
	s.quit()
	s.senders.Wait()
	return s.accepted()
}

// inPod reports whether a process runs in a pod; every process is in one for nil.
func inPod(pid int, pod *corev1.Pod) bool {
	if pod == nil {
		return true
	}
	groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	return err == nil && strings.Contains(strings.ReplaceAll(string(groups), "_", "-"), string(pod.UID))
}

// killProcesses kills those of a program, in one pod or, for nil, in all pods of
// this machine, by SIGKILL, and returns how many there were.
func killProcesses(t *testing.T, path string, pod *corev1.Pod) (killed int) {
	t.Helper()
	for _, pid := range processes(t, path) {
		if !inPod(pid, pod) {
			continue
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Errorf("killing %s: %v", path, err)
			continue
		}
		t.Logf("killed %s, process %d", path, pid)
		killed++
	}
	return killed
}
