package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/deploy/local/worktree"
	"github.com/headway-dev/headway/test/localcluster"
)

const (
	outFile  = "test/bench/out.json"
	helloApp = "examples/hello"
	// patience bounds one step, such as a push with an empty cache.
	patience = 5 * time.Minute
)

// bench is one run in a namespace of its own.
type bench struct {
	*localcluster.Cluster
	namespace string
	scratch   string // work trees
	seen      *moments
	// before is the memory of Headway's programs before the run began.
	before residents
	// small is the app that the activator's rows ask; empty until there is one.
	small string
	// many are the parked apps of one repository; nil until there are some.
	many *parkedApps
}

// run takes the measurements that only names, all if it is empty. What is
// written to outFile is always whole.
func run(ctx context.Context, only string) error {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	if _, err := os.Stat(helloApp); err != nil {
		return errors.New("run it in the root of the repository: go run ./test/bench")
	}
	cluster, err := localcluster.Connect(ctx)
	if err != nil {
		return fmt.Errorf("reaching the local cluster (make up brings it up): %w", err)
	}
	b := &bench{Cluster: cluster}
	defer b.cleanUp(context.WithoutCancel(ctx))
	if err := b.prepare(ctx); err != nil {
		return err
	}
	var rows []row
	for _, m := range chosen {
		begin := time.Now()
		fmt.Fprintln(os.Stderr, "measuring:", strings.Join(m.rows, ", "))
		measured, err := m.take(b, ctx)
		if err != nil {
			return fmt.Errorf("measuring %s: %w", m.rows[0], err)
		}
		// Or choosing by name would not find all.
		if !slices.EqualFunc(measured, m.rows, func(r row, name string) bool { return r.Name == name }) {
			return fmt.Errorf("measured %v, not %v", measured, m.rows)
		}
		fmt.Fprintf(os.Stderr, "  took %.0f s\n", seconds(time.Since(begin)))
		rows = append(rows, measured...)
	}
	if err := printTable(os.Stdout, rows); err != nil {
		return err
	}
	if only == "" {
		if err := writeJSON(outFile, rows); err != nil {
			return err
		}
	}
	if names := missed(rows); len(names) > 0 {
		return fmt.Errorf("below their must: %s", strings.Join(names, ", "))
	}
	return nil
}

// prepare makes the namespace, the credentials and the watches.
func (b *bench) prepare(ctx context.Context) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "bench-"}}
	if err := b.Kube.Create(ctx, namespace); err != nil {
		return fmt.Errorf("creating a namespace: %w", err)
	}
	b.namespace = namespace.Name
	err := b.Kube.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: "git"},
		StringData: map[string]string{"username": layout.GitUser, "password": b.GitPassword},
	})
	if err != nil {
		return fmt.Errorf("creating the credentials: %w", err)
	}
	if b.scratch, err = os.MkdirTemp("", "headway-bench-"); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	if b.seen, err = watch(ctx, b.Kube, b.namespace); err != nil {
		return err
	}
	b.before, err = b.residents(ctx)
	return err
}

func (b *bench) cleanUp(ctx context.Context) {
	if b.scratch != "" {
		os.RemoveAll(b.scratch)
	}
	if b.namespace == "" {
		return
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: b.namespace}}
	if err := b.Kube.Delete(ctx, namespace); err != nil {
		fmt.Fprintln(os.Stderr, "bench: deleting the namespace:", err)
	}
}

// clone makes a work tree of the folder of an app that is called name there, under
// a name of its own, so that its host and its build cache are fresh. Nothing is
// pushed.
func (b *bench) clone(ctx context.Context, folder, name, app string) (*worktree.Tree, error) {
	dir := filepath.Join(b.scratch, app)
	tree, err := b.NewWorkTree(ctx, dir, b.namespace+"/"+app, folder)
	if err != nil {
		return nil, err
	}
	return tree, tree.Edit("headway.yaml", "name: "+name+"\n", "name: "+app+"\n")
}

// pushNew pushes all of a work tree for the first time, tells Headway of it and
// waits until the URL answers with the text; it returns the revision's name.
func (b *bench) pushNew(ctx context.Context, tree *worktree.Tree, app, text string) (revision string, err error) {
	if err := tree.Commit(ctx, "First"); err != nil {
		return "", err
	}
	commit, err := tree.Push(ctx)
	if err != nil {
		return "", err
	}
	if err := b.add(ctx, app, tree.URL, 0); err != nil {
		return "", err
	}
	_, err = answers(ctx, localcluster.URL(app, b.namespace), text)
	return app + "-" + commit[:8], err
}

// add tells Headway of a repository; interval 0 is the default.
func (b *bench) add(ctx context.Context, name, url string, interval time.Duration) error {
	repository := &v1alpha1.Repository{
		ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: name},
		Spec: v1alpha1.RepositorySpec{
			URL: url, SecretRef: &corev1.LocalObjectReference{Name: "git"},
			Interval: metav1.Duration{Duration: interval},
		},
	}
	if err := b.Kube.Create(ctx, repository); err != nil {
		return fmt.Errorf("creating Repository %s: %w", name, err)
	}
	return nil
}
