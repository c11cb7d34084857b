package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/deploy/local/worktree"
	"github.com/headway-dev/headway/test/localcluster"
)

const (
	// togetherApps are woken at the same moment, in each of togetherRounds.
	togetherApps   = 10
	togetherRounds = 3
)

// parkedApps are apps in folders of one repository. They run an image that was
// built before, so that they cost no build.
type parkedApps struct {
	tree  *worktree.Tree
	image string
	names []string
	// revisions by the names of their apps.
	revisions map[string]string
}

// parkedTogether asks ten sleeping apps with a parked pod each at the same
// moment, until the last one has answered.
func (b *bench) parkedTogether(ctx context.Context) ([]row, error) {
	if err := b.needParkedApps(ctx, togetherApps); err != nil {
		return nil, err
	}
	used := map[string]bool{}
	var last, first []float64
	var woken int
	for n := range togetherRounds {
		var waiting []corev1.Pod
		for _, name := range b.many.names {
			pod, err := b.waitParked(ctx, b.many.revisions[name], used)
			if err != nil {
				return nil, err
			}
			waiting = append(waiting, pod)
		}
		if err := pause(ctx, settle+spread*time.Duration(n)/togetherRounds); err != nil {
			return nil, err
		}
		took, err := b.askAll(ctx, b.many.names)
		if err != nil {
			return nil, err
		}
		last, first = append(last, took[len(took)-1]), append(first, took[0])
		for _, pod := range waiting {
			if wasWoken(ctx, pod) {
				used[string(pod.UID)] = true
				woken++
			}
		}
	}
	return []row{newRow("coldstart.parked_10_apps_ms", median(last), map[string]any{
		"all": rounded(last), "first answers": rounded(first), "from parked": woken,
	})}, nil
}

// askAll asks the apps at the same moment, and returns after how many
// milliseconds they answered, the fastest first.
func (b *bench) askAll(ctx context.Context, apps []string) ([]float64, error) {
	var group sync.WaitGroup
	var all sample
	failed := make([]error, len(apps))
	begin := time.Now()
	for n, app := range apps {
		group.Go(func() {
			failed[n] = askOnce(ctx, localcluster.URL(app, b.namespace))
			all.add(time.Since(begin))
		})
	}
	group.Wait()
	return all.sorted(), errors.Join(failed...)
}

// needParkedApps adds parked apps until there are n.
func (b *bench) needParkedApps(ctx context.Context, n int) error {
	if b.many == nil {
		image, err := b.builtImage(ctx)
		if err != nil {
			return err
		}
		many := &parkedApps{image: image, revisions: map[string]string{}}
		empty := filepath.Join(b.scratch, "empty")
		if err := os.Mkdir(empty, 0o755); err != nil {
			return err
		}
		if many.tree, err = b.NewWorkTree(ctx, filepath.Join(b.scratch, "many"), b.namespace+"/many", empty); err != nil {
			return err
		}
		b.many = many
	}
	known := len(b.many.names)
	if known >= n {
		return nil
	}
	for len(b.many.names) < n {
		if err := b.many.addFolder(); err != nil {
			return err
		}
	}
	if err := b.many.tree.Commit(ctx, fmt.Sprintf("Have %d apps", n)); err != nil {
		return err
	}
	commit, err := b.many.tree.Push(ctx)
	if err != nil {
		return err
	}
	if known == 0 {
		if err := b.add(ctx, "many", b.many.tree.URL, 0); err != nil {
			return err
		}
	}
	for _, name := range b.many.names[known:] {
		if _, err := answers(ctx, localcluster.URL(name, b.namespace), greeting); err != nil {
			return err
		}
		b.many.revisions[name] = name + "-" + commit[:8]
	}
	return nil
}

// parkedCount is how many parked apps there are so far.
func (b *bench) parkedCount() int {
	if b.many == nil {
		return 0
	}
	return len(b.many.names)
}

// addFolder writes the next app.
func (p *parkedApps) addFolder() error {
	name := fmt.Sprintf("parked%d", len(p.names))
	if err := os.Mkdir(filepath.Join(p.tree.Dir, name), 0o755); err != nil {
		return err
	}
	p.names = append(p.names, name)
	return p.tree.Write(name+"/headway.yaml", "name: "+name+"\nimage: "+p.image+"\nscale: {idle: 2s, standby: 1}\n")
}

// builtImage is that of the small app.
func (b *bench) builtImage(ctx context.Context) (string, error) {
	app, err := b.smallApp(ctx)
	if err != nil {
		return "", err
	}
	var list v1alpha1.RevisionList
	if err := b.Kube.List(ctx, &list, client.InNamespace(b.namespace), client.MatchingLabels{v1alpha1.LabelApp: app}); err != nil {
		return "", fmt.Errorf("listing the revisions of %s: %w", app, err)
	}
	for _, revision := range list.Items {
		if revision.Status.Image != "" {
			return revision.Status.Image, nil
		}
	}
	return "", fmt.Errorf("no revision of %s has an image", app)
}
