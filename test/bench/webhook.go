package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/headway-dev/headway/deploy/local/layout"
)

const webhookRounds = 5

// webhooks measures from a webhook to the Tekton run that it leads to. The
// repository is watched under a URL that the git server's own webhooks do not
// name, and polled so seldom that only ours count.
func (b *bench) webhooks(ctx context.Context) ([]row, error) {
	const app = "hooked"
	tree, err := b.clone(ctx, "examples/static", "static", app)
	if err != nil {
		return nil, err
	}
	if err := tree.Commit(ctx, "First"); err != nil {
		return nil, err
	}
	commit, err := tree.Push(ctx)
	if err != nil {
		return nil, err
	}
	if err := b.add(ctx, app, tree.HostURL, 24*time.Hour); err != nil {
		return nil, err
	}
	if _, err := b.seen.wait(ctx, app+"-"+commit[:8], eventReady); err != nil {
		return nil, err
	}
	var toRun, toRevision []float64
	for n := range webhookRounds {
		if err := tree.Write("public/index.html", fmt.Sprintf("page %d\n", n)); err != nil {
			return nil, err
		}
		if err := tree.Commit(ctx, "Another page"); err != nil {
			return nil, err
		}
		if commit, err = tree.Push(ctx); err != nil {
			return nil, err
		}
		begin := time.Now()
		if err := sendWebhook(ctx, tree.HostURL, commit); err != nil {
			return nil, err
		}
		revision := app + "-" + commit[:8]
		// The build ends before the next begins.
		if _, err := b.seen.wait(ctx, revision, eventReady); err != nil {
			return nil, err
		}
		events := b.seen.of(revision)
		toRevision = append(toRevision, milliseconds(events[eventRevision].Sub(begin)))
		toRun = append(toRun, milliseconds(events[eventRun].Sub(begin)))
	}
	return []row{newRow("push.webhook_to_run_ms", median(toRun), map[string]any{
		"to revision": round(median(toRevision)), "all": rounded(toRun),
	})}, nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// sendWebhook tells the controller of a push as a forge would.
func sendWebhook(ctx context.Context, cloneURL, commit string) error {
	body := fmt.Sprintf(`{"ref": "refs/heads/main", "after": %q, "repository": {"clone_url": %q}}`, commit, cloneURL)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, layout.WebhookURL, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	return exchange(http.DefaultClient, request, http.StatusAccepted)
}
