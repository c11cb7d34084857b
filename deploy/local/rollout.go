package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// rolloutFields are what a Deployment is asked for: the generation seen, and the
// replicas updated and available, each as a pair "want=have".
const rolloutFields = `jsonpath={.metadata.generation}={.status.observedGeneration} ` +
	`{.spec.replicas}={.status.updatedReplicas} {.spec.replicas}={.status.availableReplicas}`

// rolledOut waits until a Deployment has all its pods ready. When that does not
// happen the error holds what the pods say.
func (c *cluster) rolledOut(ctx context.Context, s *report, namespace, name string) error {
	s.waitFor("deployment " + namespace + "/" + name + " to be available")
	err := poll(ctx, 3*time.Minute, 300*time.Millisecond, func(ctx context.Context) error {
		var out strings.Builder
		err := c.kubectl(ctx, nil, &out, "get", "deployment", "-n", namespace, name, "-o", rolloutFields)
		if err == nil && !allEqual(out.String()) {
			err = errors.New("it is not rolled out: " + out.String())
		}
		return err
	})
	if err == nil || ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("deployment %s/%s: %w\n%s", namespace, name, err, c.podReport(ctx, namespace, name))
}

// podReport collects what helps to see why the pods of a Deployment do not run.
func (c *cluster) podReport(ctx context.Context, namespace, deployment string) string {
	var out strings.Builder
	for _, args := range [][]string{
		{"get", "pods", "-n", namespace},
		{"get", "events", "-n", namespace, "--field-selector=type=Warning"},
		{"logs", "-n", namespace, "--tail=20", "deployment/" + deployment},
	} {
		if err := c.kubectl(ctx, nil, &out, args...); err != nil {
			fmt.Fprintln(&out, err)
		}
	}
	return lastLines(out.String(), 60)
}

// allEqual reports whether every pair "a=b" of a text has equal sides.
func allEqual(pairs string) bool {
	for pair := range strings.FieldsSeq(pairs) {
		if want, got, ok := strings.Cut(pair, "="); !ok || want != got {
			return false
		}
	}
	return true
}
