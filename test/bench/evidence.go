package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/scaler/receiver"
	"github.com/headway-dev/headway/scaler/report"
	"github.com/headway-dev/headway/test/localcluster"
)

// evidenceRounds of candidates with half of the traffic, which answer well, and
// of which a report then says that they do not.
const evidenceRounds = 3

// evidence measures from a report that condemns a candidate, which this program
// sends as an activator would, until the last request goes to the candidate.
func (b *bench) evidence(ctx context.Context) ([]row, error) {
	rules := "main: {canary: {steps: [50], every: 1h}}"
	app, err := b.trialledApp(ctx, "evidence", rules)
	if err != nil {
		return nil, err
	}
	first, err := app.tree.Git(ctx, "rev-parse", "HEAD")
	if err != nil {
		return nil, err
	}
	var took []float64
	for n := range evidenceRounds {
		commit, err := app.push(ctx, rules, fmt.Sprintf("quietly never%d", n))
		if err != nil {
			return nil, err
		}
		if err := app.weighs(ctx, commit, 5000); err != nil {
			return nil, err
		}
		until, err := b.condemn(ctx, app, commit, first[:40])
		if err != nil {
			return nil, err
		}
		took = append(took, milliseconds(until))
		fmt.Fprintf(os.Stderr, "  at 0%% after %.0f ms\n", took[n])
	}
	return []row{newRow("promotion.evidence_to_zero_ms", median(took), map[string]any{"all": rounded(took)})}, nil
}

// condemn reports bad answers of a candidate under load, and returns how long
// after that it was sent the last request.
func (b *bench) condemn(ctx context.Context, app *trialled, candidate, stable string) (time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var guilty atomic.Bool
	key := func(commit string) report.Key {
		return report.Key{Namespace: b.namespace, Name: app.name + "-" + commit[:8]}
	}
	stream, err := b.reporter(ctx, func(yield func(report.Sample)) {
		bad, good := report.Sample{Key: key(candidate)}, report.Sample{Key: key(stable)}
		if guilty.Load() {
			bad.Requests, bad.Split.Arrived, bad.Split.Ended[5] = 1000, 1000, 1000
			good.Requests, good.Split.Arrived, good.Split.Ended[2] = 1000, 1000, 1000
		}
		yield(bad)
		yield(good)
	})
	if err != nil {
		return 0, err
	}
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	group.Go(func() { _ = stream.Run(ctx) })

	var last atomic.Int64 // when the candidate was asked last, of those that it answered
	var failed atomic.Pointer[error]
	for range 8 {
		group.Go(func() {
			web := localcluster.Browser()
			defer web.CloseIdleConnections()
			for ctx.Err() == nil {
				at := time.Now()
				got, err := localcluster.Fetch(ctx, web, app.url())
				if err != nil && ctx.Err() == nil {
					failed.Store(&err)
				}
				if strings.HasPrefix(got.Body, candidate) {
					last.Store(max(last.Load(), at.UnixNano()))
				}
			}
		})
	}
	select { // the stream is open, and both revisions have had requests
	case <-time.After(2 * time.Second):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	begin := time.Now()
	guilty.Store(true)
	stream.Edge()
	if err := app.weighs(ctx, candidate, 0); err != nil {
		return 0, err
	}
	time.Sleep(time.Second) // activators hear of it
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	if last.Load() < begin.UnixNano() {
		return 0, errors.New("the candidate had no requests when it was condemned")
	}
	return time.Unix(0, last.Load()).Sub(begin), nil
}

// reporter is what an activator has to report to the controller, with the right
// to.
func (b *bench) reporter(ctx context.Context, samples func(func(report.Sample))) (*report.Client, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{receiver.Audience}}}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: localcluster.SystemNamespace, Name: "headway-activator"}}
	if err := b.Kube.SubResource("token").Create(ctx, account, request); err != nil {
		return nil, fmt.Errorf("asking for an activator's token: %w", err)
	}
	file := filepath.Join(b.scratch, "token")
	if err := os.WriteFile(file, []byte(request.Status.Token), 0o600); err != nil {
		return nil, fmt.Errorf("keeping the token: %w", err)
	}
	controller, err := localcluster.Leader(ctx, b.Kube, "headway-controller")
	if err != nil {
		return nil, err
	}
	return report.NewClient(report.Options{
		To: net.JoinHostPort(controller.Status.PodIP, "8085"), Identity: "bench", TokenFile: file,
		Samples: samples, Logger: slog.New(slog.DiscardHandler),
	}), nil
}
