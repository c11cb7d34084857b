package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/headway-dev/headway/deploy/command"
)

// rolledOut waits until a Deployment has all its pods ready. When that does not
// happen the error holds what the pods say.
func (c *cluster) rolledOut(ctx context.Context, s *report, namespace, name string) error {
	s.waitFor("deployment " + namespace + "/" + name + " to be available")
	_, err := c.kubectl(ctx, "", "rollout", "status", "-n", namespace, "deployment/"+name, "--timeout=3m")
	if err == nil || ctx.Err() != nil {
		return err
	}
	var pods strings.Builder
	for _, args := range [][]string{
		{"get", "pods", "-n", namespace},
		{"get", "events", "-n", namespace, "--field-selector=type=Warning"},
		{"logs", "-n", namespace, "--tail=20", "deployment/" + name},
	} {
		out, err := c.kubectl(ctx, "", args...)
		fmt.Fprint(&pods, out)
		if err != nil {
			fmt.Fprintln(&pods, err)
		}
	}
	return fmt.Errorf("deployment %s/%s: %w\n%s", namespace, name, err, command.LastLines(pods.String(), 60))
}
