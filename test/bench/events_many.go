package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/access"
	"github.com/headway-dev/headway/eventing/query"
	"github.com/headway-dev/headway/test/localcluster"
)

const (
	manyKept          = 1_000_000
	manySubscriptions = 1000
	// asksWhy is how many events are asked for.
	asksWhy = 50
	// fillRun begins the ids of the events that are kept.
	fillRun = "fill0"
)

// manyEvents measures the eventing program with a million events kept and a
// thousand subscriptions, each of another type.
func (b *bench) manyEvents(ctx context.Context) ([]row, error) {
	m := &mail{bench: b, name: "many"}
	if err := m.open(ctx); err != nil {
		return nil, err
	}
	before, err := residentBytes(ctx, m.metrics)
	if err != nil {
		return nil, err
	}
	if err := m.subscribe(ctx); err != nil {
		return nil, err
	}
	for events, n := 0, 0; events < manyKept; n++ {
		if _, err := m.flood(ctx, fmt.Sprintf("fill%d", n), 4*floodTime); err != nil {
			return nil, err
		}
		if events, err = m.accepted(ctx); err != nil {
			return nil, err
		}
		fmt.Fprintf(os.Stderr, "  %d events are kept\n", events)
	}
	if err := pause(ctx, 2*floodTime); err != nil {
		return nil, err
	}
	full, err := residentBytes(ctx, m.metrics)
	if err != nil {
		return nil, err
	}
	why, err := m.asksWhy(ctx)
	if err != nil {
		return nil, err
	}
	restart, err := m.restart(ctx)
	if err != nil {
		return nil, err
	}
	return []row{
		newRow("events.rss_mib", full/(1<<20), map[string]any{"before": round(before / (1 << 20)), "events": manyKept, "subscriptions": manySubscriptions}),
		why, restart,
	}, nil
}

// open makes the channel, without an app.
func (m *mail) open(ctx context.Context) error {
	c := &v1alpha1.Channel{
		ObjectMeta: metav1.ObjectMeta{Namespace: m.namespace, Name: m.name},
		Spec:       v1alpha1.ChannelSpec{Size: resource.MustParse("8Gi")},
	}
	if err := m.Kube.Create(ctx, c); err != nil {
		return fmt.Errorf("making channel %s: %w", m.name, err)
	}
	if err := m.find(ctx); err != nil {
		return err
	}
	return m.takes(ctx)
}

// takes waits until an event is accepted.
func (m *mail) takes(ctx context.Context) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 10*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		last = m.send(ctx, "open-"+strconv.FormatInt(time.Now().UnixNano(), 10))
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("waiting until channel %s takes events (last %w): %w", m.name, last, err)
	}
	return nil
}

// subscribe makes the subscriptions and waits until all have their place.
func (m *mail) subscribe(ctx context.Context) error {
	var group errgroup.Group
	group.SetLimit(16)
	for n := range manySubscriptions {
		group.Go(func() error {
			return m.Kube.Create(ctx, &v1alpha1.Subscription{
				ObjectMeta: metav1.ObjectMeta{Namespace: m.namespace, Name: fmt.Sprintf("many-%d", n)},
				Spec: v1alpha1.SubscriptionSpec{
					Channel: m.name, Filter: &v1alpha1.EventFilter{Exact: map[string]string{"type": fmt.Sprintf("bench.other%d", n)}},
					To: v1alpha1.EventTarget{URL: "http://many.example.com/"},
				},
			})
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("making the subscriptions: %w", err)
	}
	return wait.PollUntilContextTimeout(ctx, time.Second, patience, true, func(ctx context.Context) (bool, error) {
		var all v1alpha1.SubscriptionList
		if err := m.Kube.List(ctx, &all, client.InNamespace(m.namespace)); err != nil {
			return false, err
		}
		known := 0
		for i := range all.Items {
			if all.Items[i].Spec.Channel == m.name && len(all.Items[i].Status.Conditions) > 0 {
				known++
			}
		}
		return known == manySubscriptions, nil
	})
}

// asksWhy asks for the story of events from all over the channel.
func (m *mail) asksWhy(ctx context.Context) (row, error) {
	token, err := m.readToken(ctx)
	if err != nil {
		return row{}, err
	}
	var took sample
	for n := range asksWhy {
		id := fmt.Sprintf("%s-%d", fillRun, 1+n*100)
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(m.ingress, m.namespace+"/"+m.name)+"-/why/"+m.namespace+"?id="+id, http.NoBody)
		if err != nil {
			return row{}, err
		}
		request.Header.Set(access.ProxiedHeader, "Bearer "+token)
		begin := time.Now()
		answer, err := localcluster.Do(http.DefaultClient, request)
		if err != nil {
			return row{}, err
		}
		took.add(time.Since(begin))
		if answer.Status != http.StatusOK || !strings.Contains(answer.Body, id) {
			return row{}, fmt.Errorf("asked why for %s: %d %.200s", id, answer.Status, answer.Body)
		}
	}
	sorted := took.sorted()
	return newRow("events.why_ms", quantile(sorted, 0.5), map[string]any{"ms": distribution(sorted), "asked": asksWhy}), nil
}

// readToken is one with which the events of the namespace can be read.
func (m *mail) readToken(ctx context.Context) (string, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: m.namespace, Name: "default"}}
	made := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{query.Audience(m.namespace)}}}
	if err := m.Kube.SubResource("token").Create(ctx, account, made); err != nil {
		return "", fmt.Errorf("making a token to read events: %w", err)
	}
	return made.Status.Token, nil
}

// restart kills the eventing program and waits until it takes events again: the
// kubelet's share is in it.
func (m *mail) restart(ctx context.Context) (row, error) {
	pods, err := m.pods(ctx, localcluster.SystemNamespace, client.MatchingLabels{"app.kubernetes.io/name": "headway-eventing"})
	if err != nil {
		return row{}, err
	}
	pid, err := processOf(string(pods[0].UID), "eventing")
	if err != nil {
		return row{}, err
	}
	begin := time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return row{}, fmt.Errorf("killing the eventing program: %w", err)
	}
	if err := m.takes(ctx); err != nil {
		return row{}, err
	}
	return newRow("events.restart_s", seconds(time.Since(begin)), map[string]any{"kubelet": "included"}), nil
}

// processOf finds a program of a pod among the processes of this machine, which
// runs the cluster.
func processOf(uid, program string) (int, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		return 0, err
	}
	for _, path := range paths {
		dir := filepath.Dir(path)
		groups, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(groups), "/pod"+uid+"/") {
			continue
		}
		if exe, err := os.Readlink(filepath.Join(dir, "exe")); err == nil && filepath.Base(exe) == program {
			return strconv.Atoi(filepath.Base(dir))
		}
	}
	return 0, fmt.Errorf("pod %s has no process %s on this machine", uid, program)
}
