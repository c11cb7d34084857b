package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/test/localcluster"
)

const (
	sinkApp = "test/bench/testdata/sink"
	// eventSize is the data of each event, in bytes.
	eventSize = 1024
	// eventConnections send at the same time, as many as wrk has for the other rows
	// of throughput eight times over: more of them share one fsync.
	eventConnections = 256
	eventingMetrics  = "8086"
)

// mail is a channel with an app that gets its events.
type mail struct {
	*bench
	name    string // of the app, and of the channel
	ingress string // URL of the channel
	metrics string // URL of what the eventing program counts
}

// newMail pushes the sink under a name of its own, with further lines for
// headway.yaml instead of its scale, and waits until it gets events.
func (b *bench) newMail(ctx context.Context, name, scale string) (*mail, error) {
	tree, err := b.clone(ctx, sinkApp, "sink", name)
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("name: %s\nhealth: {hold: 0s}\nscale: %s\nchannels:\n- {name: %[1]s, size: 8Gi}\nevents:\n- {from: %[1]s, to: /events}\n", name, scale)
	if err := tree.Write("headway.yaml", text); err != nil {
		return nil, err
	}
	if _, err := b.pushNew(ctx, tree, name, "deliveries"); err != nil {
		return nil, err
	}
	m := &mail{bench: b, name: name}
	if err := m.find(ctx); err != nil {
		return nil, err
	}
	last := errors.New("it has seen none")
	err = wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		if err := m.send(ctx, "first-"+strconv.FormatInt(time.Now().UnixNano(), 10)); err != nil {
			last = err
			return false, nil
		}
		seen, err := m.seen(ctx)
		return err == nil && seen.Distinct > 0, err
	})
	if err != nil {
		return nil, fmt.Errorf("waiting until %s gets events: %w: %w", name, err, last)
	}
	return m, nil
}

// find looks up the addresses of the eventing program.
func (m *mail) find(ctx context.Context) error {
	var service corev1.Service
	if err := m.Kube.Get(ctx, client.ObjectKey{Namespace: localcluster.SystemNamespace, Name: "headway-events"}, &service); err != nil {
		return fmt.Errorf("looking for the address of events: %w", err)
	}
	pods, err := m.pods(ctx, localcluster.SystemNamespace, client.MatchingLabels{"app.kubernetes.io/name": "headway-eventing"})
	if err != nil {
		return err
	}
	m.ingress = "http://" + service.Spec.ClusterIP + "/" + m.namespace + "/" + m.name
	m.metrics = "http://" + net.JoinHostPort(pods[0].Status.PodIP, eventingMetrics) + "/metrics"
	return nil
}

// send has one event accepted.
func (m *mail) send(ctx context.Context, id string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.ingress, strings.NewReader(eventData))
	if err != nil {
		return err
	}
	for _, one := range eventHeaders {
		request.Header.Set(one[0], one[1])
	}
	request.Header.Set("Ce-Id", id)
	request.Header.Set("Ce-Sent", strconv.FormatInt(time.Now().UnixNano(), 10))
	answer, err := localcluster.Do(http.DefaultClient, request)
	if err == nil && answer.Status != http.StatusAccepted {
		err = fmt.Errorf("the event is answered with %d: %.200s", answer.Status, answer.Body)
	}
	return err
}

// eventData and eventHeaders are what all events have.
var (
	eventData    = strings.Repeat("x", eventSize)
	eventHeaders = [][2]string{
		{"Ce-Specversion", "1.0"}, {"Ce-Source", "/bench"}, {"Ce-Type", "bench.sent"}, {"Content-Type", "text/plain"},
	}
)

// delivered is what the sink has seen.
type delivered struct {
	Deliveries, Distinct int
	Last                 int64     // when the newest event came, in nanoseconds of Unix time
	Took                 []float64 // milliseconds, sorted
}

func (m *mail) seen(ctx context.Context) (d delivered, err error) {
	web := localcluster.Browser()
	defer web.CloseIdleConnections()
	answer, err := localcluster.Fetch(ctx, web, localcluster.URL(m.name, m.namespace))
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal([]byte(answer.Body), &d)
}

// reset has the sink count anew.
func (m *mail) reset(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodDelete, localcluster.URL(m.name, m.namespace), http.NoBody)
	if err != nil {
		return err
	}
	web := localcluster.Browser()
	defer web.CloseIdleConnections()
	_, err = localcluster.Do(web, request)
	return err
}

// accepted is how many events of the channel were accepted since the eventing
// program began.
func (m *mail) accepted(ctx context.Context) (int, error) {
	answer, err := localcluster.Fetch(ctx, http.DefaultClient, m.metrics)
	if err != nil {
		return 0, err
	}
	name := fmt.Sprintf("headway_events_accepted_total{channel=%q,namespace=%q}", m.name, m.namespace)
	n, err := findMetric(answer.Body, name)
	return int(n), err
}

// wait waits until the sink has seen so many different events.
func (m *mail) wait(ctx context.Context, events int) (d delivered, err error) {
	err = wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		d, err = m.seen(ctx)
		return d.Distinct >= events, err
	})
	if err != nil {
		err = fmt.Errorf("waiting until %s has seen %d events, of which it has %d: %w", m.name, events, d.Distinct, err)
	}
	return d, err
}

// wrkEvents has wrk send different events from all connections.
const wrkEvents = `local sent = 0
local body = string.rep("x", %d)
local headers = {%s}
function init(args) run = args[1] end
function request()
  sent = sent + 1
  headers["Ce-Id"] = run .. "-" .. sent
  return wrk.format("POST", nil, headers, body)
end
`

// flood sends events as fast as they are accepted and returns how many were
// accepted a second. run is part of their ids.
func (m *mail) flood(ctx context.Context, run string, during time.Duration) (wrkResult, error) {
	var headers []string
	for _, one := range eventHeaders {
		headers = append(headers, fmt.Sprintf("[%q]=%q", one[0], one[1]))
	}
	script := filepath.Join(m.scratch, "events.lua")
	if err := os.WriteFile(script, fmt.Appendf(nil, wrkEvents, eventSize, strings.Join(headers, ", ")), 0o600); err != nil {
		return wrkResult{}, err
	}
	out, err := exec.CommandContext(ctx, "wrk", "-t1", "-c"+strconv.Itoa(eventConnections), "-d"+strconv.Itoa(int(during.Seconds()))+"s",
		"--timeout", "10s", "--latency", "-s", script, m.ingress, "--", run).CombinedOutput()
	if err != nil {
		return wrkResult{}, fmt.Errorf("running wrk: %w: %s", err, out)
	}
	return parseWrk(string(out))
}
